package packet

import (
	"strconv"
	"strings"
)

// String writes the traffic as prose: "TCP 80,443; UDP 53; ICMP type 8", "any traffic", "any
// traffic but TCP 25".
func (t Traffic) String() string {
	rest := t.Complement()
	switch {
	case t.IsEmpty():
		return "no traffic"
	case rest.IsEmpty():
		return "any traffic"
	}
	if shorter := strings.Join(rest.words(), "; "); len(rest.line.ranges) < len(t.line.ranges) {
		return "any traffic but " + shorter
	}
	return strings.Join(t.words(), "; ")
}

// words writes one phrase for each protocol in the traffic that people know by its ports or
// types, and one for all others.
func (t Traffic) words() []string {
	var words []string
	others := t
	for _, p := range preferred {
		whole := Of(p)
		others = others.Subtract(whole)
		switch own := t.Intersect(whole); {
		case own.IsEmpty():
		case own.Equal(whole):
			words = append(words, p.String())
		case p.HasPorts():
			words = append(words, p.String()+" "+own.ports())
		default:
			words = append(words, p.String()+" "+own.types())
		}
	}
	var numbers []Range
	for _, r := range others.line.ranges {
		numbers = append(numbers, Range{r.First >> 16, r.Last >> 16})
	}
	switch {
	case len(numbers) == 0:
	case others.Equal(withoutPreferred):
		words = append(words, "every other protocol")
	case len(numbers) == 1 && numbers[0].First == numbers[0].Last:
		words = append(words, Protocol(numbers[0].First).String())
	default:
		words = append(words, "protocols "+spell(numbers))
	}
	return words
}

var withoutPreferred = func() Traffic {
	rest := Anything()
	for _, p := range preferred {
		rest = rest.Subtract(Of(p))
	}
	return rest
}()

// ports spells the ports in the traffic of one protocol.
func (t Traffic) ports() string {
	var ports []Range
	for _, r := range t.line.ranges {
		ports = append(ports, Range{r.First & 0xffff, r.Last & 0xffff})
	}
	return spell(ports)
}

// types spells the ICMP types in traffic as ranges where they are whole, and codes beside the
// type that they belong to.
func (t Traffic) types() string {
	var whole []Range
	var codes []string
	add := func(kind uint32, first, last uint32) {
		if first <= last {
			codes = append(codes, "type "+strconv.Itoa(int(kind))+" code "+spell([]Range{{first, last}}))
		}
	}
	for _, r := range t.line.ranges {
		from, to := r.First>>8&0xff, r.Last>>8&0xff
		firstCode, lastCode := r.First&0xff, r.Last&0xff
		if from == to && (firstCode > 0 || lastCode < 255) {
			add(from, firstCode, lastCode)
			continue
		}
		if firstCode > 0 {
			add(from, firstCode, 255)
			from++
		}
		if lastCode < 255 {
			add(to, 0, lastCode)
			to--
		}
		if from <= to {
			whole = extend(whole, Range{from, to})
		}
	}
	if len(whole) > 0 {
		codes = append([]string{"type " + spell(whole)}, codes...)
	}
	return strings.Join(codes, ", ")
}

// spell spells ranges for people, as 80,8000-8100.
func spell(ranges []Range) string {
	words := make([]string, len(ranges))
	for i, r := range ranges {
		words[i] = strconv.FormatUint(uint64(r.First), 10)
		if r.Last > r.First {
			words[i] += "-" + strconv.FormatUint(uint64(r.Last), 10)
		}
	}
	return strings.Join(words, ",")
}
