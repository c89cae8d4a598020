package main

import (
	"os"
	"strings"
	"testing"
)

// TestRooms holds the picture of the compiler's rooms against the imports: each room stands in
// it once, and knows only those on lines below its own.
func TestRooms(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	h, err := readHouse(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	line, faults := roomsOf(string(page))
	for _, fault := range append(faults, misplaced(h, line)...) {
		t.Error(fault)
	}
	// The test of the test: with two lines exchanged the picture is wrong.
	for room, at := range line {
		line[room] = -at
	}
	if len(misplaced(h, line)) == 0 {
		t.Error("the picture stands on its head, and nobody minds")
	}
}

// roomsOf reads the line on which each package stands in the picture.
func roomsOf(page string) (line map[string]int, faults []string) {
	_, picture, _ := strings.Cut(page, "### The compiler's rooms\n")
	_, picture, _ = strings.Cut(picture, "```\n")
	picture, _, _ = strings.Cut(picture, "```\n")
	line = map[string]int{}
	for n, text := range strings.Split(picture, "\n") {
		rooms, _, _ := strings.Cut(text, "   ")
		for _, room := range strings.Fields(rooms) {
			pkg := "compiler/" + room
			if room == "compiler" {
				pkg = room
			}
			if _, twice := line[pkg]; twice {
				faults = append(faults, pkg+" is drawn twice")
			}
			line[pkg] = n
		}
	}
	return line, faults
}

// misplaced lists the packages of the compiler that are not drawn, or are drawn and are none,
// and the imports that do not lead down.
func misplaced(h *house, line map[string]int) (faults []string) {
	there := map[string]bool{}
	for pkg, source := range h.packages {
		if top(pkg) != "compiler" {
			continue
		}
		there[pkg] = true
		at, drawn := line[pkg]
		if !drawn {
			faults = append(faults, pkg+" is not drawn")
		}
		for _, imported := range source.internal {
			if to, drawn := line[imported]; drawn && to <= at {
				faults = append(faults, pkg+" imports "+imported+", which does not stand below it")
			}
		}
	}
	for pkg := range line {
		if !there[pkg] {
			faults = append(faults, pkg+" is drawn, and there is no such package")
		}
	}
	return faults
}
