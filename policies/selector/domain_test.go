package selector

import (
	"math/rand/v2"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

// valid is what the API server says of a string.
func valid(d Domain, value string) bool {
	return len(map[Domain]func(string) []string{
		LabelValue: validation.IsValidLabelValue, NamespaceName: validation.IsDNS1123Label, AccountName: validation.IsDNS1123Subdomain,
	}[d](value)) == 0
}

var domains = []Domain{LabelValue, NamespaceName, AccountName}

// words are all strings of at most so many of the characters.
func words(characters string, most int) []string {
	all := []string{""}
	for from, length := 0, 0; length < most; length++ {
		for end := len(all); from < end; from++ {
			for i := range len(characters) {
				all = append(all, all[from]+characters[i:i+1])
			}
		}
	}
	return all
}

// A domain holds what the API server takes.
func TestDomainsAreTheAPIServers(t *testing.T) {
	t.Parallel()
	held := map[Domain]int{}
	judge := func(value string) {
		for _, d := range domains {
			want := valid(d, value)
			if d.Holds(value) != want {
				t.Errorf("domain %d holds %q: %v, and the API server says %v", d, value, !want, want)
			}
			if want {
				held[d]++
			}
		}
	}
	for _, value := range words("aZ0-_./ ", 4) {
		judge(value)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		length := []int{r.IntN(12), 61 + r.IntN(5), 251 + r.IntN(5)}[r.IntN(3)]
		text := []byte(strings.Repeat("a", length))
		for range r.IntN(6) {
			if length > 0 {
				text[r.IntN(length)] = "z09-_.AZ.-/\x00\n\xc3"[r.IntN(14)]
			}
		}
		judge(string(text))
	}
	for _, value := range []string{"é", "a\n", "\na", "a.b.c", "a..b", "a.-b", "a-.b", "A.b", "ａ"} {
		judge(value)
	}
	for _, d := range domains {
		if held[d] < 1000 {
			t.Errorf("only %d of the strings are in domain %d", held[d], d)
		}
	}
}
