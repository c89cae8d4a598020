package diag

// Survey says what a run looked at, and what it left unjudged: a report without findings says
// little of a directory of which nothing was judged.
type Survey struct {
	Workloads  int         `json:"workloads"`
	Policies   int         `json:"policies"`
	Namespaces int         `json:"namespaces"`
	NotJudged  []NotJudged `json:"notJudged,omitempty"` // in order of their reasons
}

// NotJudged is what was passed over for one reason.
type NotJudged struct {
	Reason   string   `json:"reason"` // what it is, in the plural
	Count    int      `json:"count"`
	Examples []string `json:"examples,omitempty"` // files or objects, sorted, a few of them
	Help     string   `json:"help,omitempty"`     // how to have it judged
}
