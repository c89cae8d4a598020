package format

import "slices"

// attach gives every comment to what it speaks of: behind something, to that; above
// something, to that; indented deeper than what follows, to the collection that ends
// there. Empty lines go with what follows them.
func (t *tree) attach() {
	a := attaching{tree: t}
	for _, c := range t.fillers() {
		a.pass(c.offset)
		switch flow := t.root.around(c.offset); {
		case flow != nil:
			flow.take(t, c)
		case c.text == "":
			a.blank = true
		case !c.alone:
			a.behind(c)
		default:
			a.above(c)
		}
	}
	a.pass(len(t.text))
}

// attaching is how far attach has come.
type attaching struct {
	*tree
	next   int  // the index in blocks of the first item that follows
	blank  bool // an empty line waits for what follows it
	headed bool // a comment of this gap went to the next item, and so do all after it
	depth  *collection
}

// pass moves on to the offset. An empty line belongs to the first item that is passed.
func (a *attaching) pass(offset int) {
	for a.next < len(a.blocks) && a.blocks[a.next].start < offset {
		if a.blank {
			a.add(a.headOf(a.next), "")
		}
		a.next++
		a.blank, a.headed, a.depth = false, false, nil
	}
}

// headOf returns the comments above an item, to which one is attached; above the first item they
// are the document's, and stay at its top whatever the order of keys.
func (a *attaching) headOf(i int) *[]string {
	if i == 0 {
		return &a.head
	}
	return &a.blocks[i].head
}

// add attaches a comment, with an empty line before it if one was passed.
func (a *attaching) add(to *[]string, text string) {
	if a.blank && text != "" {
		*to = append(*to, "")
	}
	a.blank = false
	*to = append(*to, text)
}

// behind attaches a comment behind something in its line to the item before it.
func (a *attaching) behind(c comment) {
	if a.next == 0 {
		a.add(&a.head, c.text)
		return
	}
	it := a.blocks[a.next-1]
	it.line = append(it.line, c.text)
}

// above attaches a comment in a line of its own: to the item that follows, to the collection that
// ended before, or to the head.
func (a *attaching) above(c comment) {
	if a.next == 0 {
		a.add(&a.head, c.text)
		return
	}
	before := a.blocks[a.next-1]
	if c.offset < before.end && (before.members == nil || before.members.flow) {
		a.blank = false
		a.add(a.headOf(a.next-1), c.text) // between a key and its value
		return
	}
	if !a.headed {
		if ended := a.ended(before, c.column); ended != nil {
			a.depth = ended
			a.add(&ended.foot, c.text)
			return
		}
	}
	a.headed = true
	a.add(a.headOf(a.next), c.text)
}

// ended finds, to attach a comment to, the innermost collection that ends between the item and the
// next one, and whose items stand no deeper than the column; nil if there is none, or if the next
// item stands as deep itself.
func (a *attaching) ended(before *item, column int) *collection {
	var going []*collection
	if a.next < len(a.blocks) {
		following := a.blocks[a.next]
		if column <= following.in.column {
			return nil
		}
		for c := following.in; c != nil; c = c.outer() {
			going = append(going, c)
		}
	}
	reached := a.depth == nil
	for c := before.in; c != nil && !slices.Contains(going, c); c = c.outer() {
		reached = reached || c == a.depth
		if reached && (c.column <= column || c.owner == nil) {
			return c
		}
	}
	return nil
}

// outer returns the collection around this one, to which a comment may be attached instead, or
// nil.
func (c *collection) outer() *collection {
	if c.owner == nil {
		return nil
	}
	return c.owner.in
}

// around finds the innermost collection in brackets that holds the offset of a comment.
func (c *collection) around(offset int) *collection {
	if offset < c.start || offset >= c.end {
		return nil
	}
	i, found := slices.BinarySearchFunc(c.items, offset, func(it *item, offset int) int {
		switch {
		case it.end <= offset:
			return -1
		case it.start > offset:
			return 1
		}
		return 0
	})
	if found && c.items[i].members != nil {
		if inner := c.items[i].members.around(offset); inner != nil {
			return inner
		}
	}
	if c.flow {
		return c
	}
	return nil
}

// take attaches a comment between brackets to the item before it in its line, to the one that it
// stands in or that follows, or to the end.
func (c *collection) take(t *tree, what comment) {
	if what.text == "" {
		return
	}
	before := -1
	for i, it := range c.items {
		if it.start < what.offset {
			before = i
		}
	}
	switch {
	case before >= 0 && !what.alone && c.items[before].end <= what.offset && !slices.Contains(t.text[c.items[before].end:what.offset], '\n'):
		c.items[before].line = append(c.items[before].line, what.text)
	case before >= 0 && c.items[before].end > what.offset:
		c.items[before].head = append(c.items[before].head, what.text)
	case before+1 < len(c.items):
		c.items[before+1].head = append(c.items[before+1].head, what.text)
	case len(c.items) == 0 && c.owner != nil:
		c.owner.head = append(c.owner.head, what.text) // [] and {} stay on one line
	default:
		c.foot = append(c.foot, what.text)
	}
}
