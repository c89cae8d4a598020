package language

import (
	"fmt"
	"strconv"
	"strings"

	"portcullis.dev/policies/packet"
)

// Asked is one end of a question about several: a peer, or a pod that nobody described.
type Asked struct {
	Member
	Pod *Pod
}

// Pod is what a pod is known by that nobody described: its labels, and those of its namespace
// where that is not listed.
type Pod struct {
	Namespace       string // empty: one that nobody listed
	NamespaceLabels map[string]string
	Labels          map[string]string
}

// Ends are one side of a question about several: all those, but some.
type Ends struct{ Of, But []Asked }

// TheSame is the destination of a question about what pods of one kind send to each other.
const TheSame = "the same"

// OtherProtocols is the word for traffic that has neither ports nor types.
const OtherProtocols = "others"

// parseSeveral reads a question whose ends are several, as map and diff write them:
//
//	shop/{cart,catalog}, @corp but shop/web -> the same:8080
//
// The braces hold names of one namespace, or the labels of a pod that nobody described.
func parseSeveral(text string) (Question, *mistake) {
	var q Question
	from, to, _ := strings.Cut(text, "->")
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	to, ports, m := cutLastPort(to)
	if m != nil {
		return q, m
	}
	if m := q.parsePorts(ports); m != nil {
		return q, m
	}
	if q.Ends[0], m = parseEnds(from); m != nil {
		return q, m
	}
	if q.Ends[1] = q.Ends[0]; to != TheSame {
		q.Ends[1], m = parseEnds(to)
	}
	return q, m
}

// several reports whether an end of a question is written as no single peer is.
func several(text string) bool {
	from, to, _ := strings.Cut(text, "->")
	return strings.ContainsAny(from, "{,") || strings.Contains(to, "{") || strings.Contains(to, ", ") ||
		strings.Contains(text, butWord) || strings.HasPrefix(strings.TrimSpace(to), TheSame)
}

const butWord = " but "

// cutLastPort parts the last of several ends of a question from its ports.
func cutLastPort(text string) (ends, port string, m *mistake) {
	last := strings.LastIndex(text, ", ")
	if but := strings.LastIndex(text, butWord); but > last {
		last = but + len(butWord) - len(", ")
	}
	start := 0
	if last >= 0 {
		start = last + len(", ")
	}
	end, port, m := cutPort(text[start:], "destination")
	if strings.HasPrefix(text[start:], "[") {
		end = "[" + end + "]"
	}
	return text[:start] + end, port, m
}

// parsePorts reads the list of ports behind a question's ends, and the protocols without ports
// that may stand among them.
func (q *Question) parsePorts(list string) *mistake {
	if list == "" {
		return nil
	}
	words := strings.Split(list, ",")
	if len(words) > mostPorts {
		return &mistake{rule: limitExceeded, message: fmt.Sprintf("the flow names %d ports", len(words)), hint: fmt.Sprintf("name %d at most, or a range", mostPorts)}
	}
	for _, word := range words {
		word = strings.TrimSpace(word)
		if word == OtherProtocols {
			q.Beside = q.Beside.Union(packet.Portless())
			continue
		}
		if number, ofIP := strings.CutSuffix(word, "/ip"); ofIP {
			n, err := strconv.ParseUint(number, 10, 8)
			if p := packet.Protocol(n); err == nil && packet.Portless().Covers(packet.Of(p)) {
				q.Beside = q.Beside.Union(packet.Of(p))
				continue
			}
		}
		var p PortRef
		if m := p.parse(word, "!!str"); m != nil {
			return m
		}
		q.Ports = append(q.Ports, p)
	}
	return nil
}

// parseEnds reads one side of a question about several ends: all those that it lists, but those
// after the word for exceptions.
func parseEnds(text string) (Ends, *mistake) {
	of, but, _ := strings.Cut(text, butWord)
	var e Ends
	for _, part := range []struct {
		text string
		into *[]Asked
	}{{of, &e.Of}, {but, &e.But}} {
		for _, term := range splitOutside(part.text) {
			asked, m := parseTerm(term)
			if m != nil {
				return e, m
			}
			*part.into = append(*part.into, asked...)
		}
	}
	if len(e.Of) == 0 {
		return e, &mistake{rule: badTest, message: fmt.Sprintf("%.80q names nobody", text), hint: "write it as " + questionForm}
	}
	return e, nil
}

// splitOutside splits a list of ends at the commas that stand in no braces.
func splitOutside(text string) []string {
	var all []string
	depth, start := 0, 0
	for i, r := range text {
		switch {
		case r == '{':
			depth++
		case r == '}':
			depth--
		case r == ',' && depth == 0:
			all = append(all, strings.TrimSpace(text[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(text[start:]); last != "" {
		all = append(all, last)
	}
	return all
}

// parseTerm reads one term of several ends: a peer, namespace/{a,b}, or the labels of a pod that
// nobody described.
func parseTerm(term string) ([]Asked, *mistake) {
	term = strings.TrimSuffix(strings.TrimPrefix(term, "["), "]")
	bad := &mistake{rule: BadPeer, message: fmt.Sprintf("%.80q is no end of a flow", term),
		hint: "write namespace/name, namespace/{name,name}, namespace/*, an address, an @name, or the labels of a pod: namespace/{key=value}"}
	inside, braces := strings.CutSuffix(term, "}")
	if !braces {
		var a Asked
		if m := a.parse(term, "!!str"); m != nil {
			return nil, m
		}
		return []Asked{a}, nil
	}
	namespace, list, ok := strings.Cut(inside, "/{")
	if unlisted, given := strings.CutPrefix(namespace, "{"); given {
		namespace = ""
		labels, fine := labelsOf(strings.TrimSuffix(unlisted, "}"))
		of, also := labelsOf(list)
		if !ok || !fine || !also || !strings.HasSuffix(unlisted, "}") {
			return nil, bad
		}
		return []Asked{{Pod: &Pod{NamespaceLabels: labels, Labels: of}}}, nil
	}
	if !ok || !isNamespace(namespace) {
		return nil, bad
	}
	if labels, fine := labelsOf(list); fine {
		return []Asked{{Pod: &Pod{Namespace: namespace, Labels: labels}}}, nil
	}
	var all []Asked
	for name := range strings.SplitSeq(list, ",") {
		var a Asked
		if m := a.parse(namespace+"/"+strings.TrimSpace(name), "!!str"); m != nil {
			return nil, m
		}
		all = append(all, a)
	}
	return all, nil
}

// labelsOf reads key=value,key=value as the labels of one of several ends that nobody described;
// nothing is no label.
func labelsOf(list string) (map[string]string, bool) {
	all := map[string]string{}
	if strings.TrimSpace(list) == "" {
		return all, true
	}
	for pair := range strings.SplitSeq(list, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || key == "" {
			return nil, false
		}
		all[key] = value
	}
	return all, true
}
