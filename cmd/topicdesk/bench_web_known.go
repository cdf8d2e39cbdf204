package main

import (
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// knownPage is what a ticket's page has of its messages, as desk.js keeps it: it asks only for what differs.
type knownPage struct {
	path, after, context, rev string
	versions                  map[int64]string // by sequence; "0": it may change yet
}

var (
	partOf    = regexp.MustCompile(`data-part="([^"]+)" data-after="([^"]+)"`)
	contextOf = regexp.MustCompile(`data-context="([^"]+)"`)
	keptOf    = regexp.MustCompile(`data-kept="([^"]+)"`)
	headingOf = regexp.MustCompile(`id="heading"[^>]* data-rev="([^"]+)"`)
	actionsOf = regexp.MustCompile(`id="actions" data-rev="([^"]+)"`)
	rowOf     = regexp.MustCompile(`<li [^>]*data-shown="([0-9a-f]+)"`)
	articleOf = regexp.MustCompile(`<article [^>]*id="m(\d+)" data-rev="[^"]+"(?: data-version="(\d+)")?`)
)

// knownOf is that of a page; nil: it is no ticket's.
func knownOf(page string) *knownPage {
	found := partOf.FindStringSubmatch(page)
	if found == nil {
		return nil
	}
	k := &knownPage{path: html.UnescapeString(found[1]), after: found[2]}
	k.take(page)
	return k
}

// take adds what came.
func (k *knownPage) take(page string) {
	if found := contextOf.FindStringSubmatch(page); found != nil {
		k.context = found[1]
	}
	if head, actions := headingOf.FindStringSubmatch(page), actionsOf.FindStringSubmatch(page); head != nil && actions != nil {
		k.rev = head[1] + "." + actions[1]
	}
	next := map[int64]string{}
	if found := keptOf.FindStringSubmatch(page); found != nil {
		for _, one := range strings.Fields(found[1]) {
			first, last, several := strings.Cut(one, "-")
			if !several {
				last = first
			}
			from, _ := strconv.ParseInt(first, 10, 64)
			to, _ := strconv.ParseInt(last, 10, 64)
			for n := from; n <= to; n++ {
				next[n] = k.versions[n]
			}
		}
	}
	for _, found := range articleOf.FindAllStringSubmatch(page, -1) {
		n, _ := strconv.ParseInt(found[1], 10, 64)
		if next[n] = found[2]; found[2] == "" {
			next[n] = "0"
		}
	}
	k.versions = next
}

// address asks for what differs.
func (k *knownPage) address() string {
	after, _ := strconv.ParseInt(k.after, 10, 64)
	var have []string
	for _, n := range slices.Sorted(maps.Keys(k.versions)) {
		for int64(len(have)) < n-1-max(after, 0) {
			have = append(have, "0")
		}
		have = append(have, k.versions[n])
	}
	asked := url.Values{"after": {k.after}, "context": {k.context}, "have": {runsOf(have)}, "rev": {k.rev}}
	return k.path + "?" + asked.Encode()
}

// shownBy is what the rows of an inbox show.
func shownBy(page string) string {
	var all []string
	for _, found := range rowOf.FindAllStringSubmatch(page, -1) {
		all = append(all, found[1])
	}
	return strings.Join(all, ".")
}

// runsOf shortens values that repeat.
func runsOf(values []string) string {
	var runs []string
	for i := 0; i < len(values); {
		from := i
		for i++; i < len(values) && values[i] == values[from]; i++ {
		}
		if i-from == 1 {
			runs = append(runs, values[from])
		} else {
			runs = append(runs, values[from]+"*"+strconv.Itoa(i-from))
		}
	}
	return strings.Join(runs, ",")
}
