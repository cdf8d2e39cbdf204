package web

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// A ticket's page asks for what has changed: it names the versions of the messages that it shows, and what they were shown in.

// had is what a page has already.
type had struct {
	context string  // "": nothing
	have    []int64 // as ListWebTimeline has it
	rev     string  // of what it shows besides messages
}

// hadBy reads that from an address. What does not read as a page writes it counts as nothing.
func hadBy(c *fiber.Ctx) (h had) {
	have, ok := versionsIn(c.Query("have"))
	if !ok {
		return had{}
	}
	return had{context: c.Query("context"), have: have, rev: c.Query("rev")}
}

// versionsIn reads versions such as 1*40,3,0,1: forty times 1, and so on. false: that is none, or there are more than a page shows.
func versionsIn(text string) (all []int64, ok bool) {
	if text == "" {
		return nil, true
	}
	for run := range strings.SplitSeq(text, ",") {
		version, times, repeated := strings.Cut(run, "*")
		v, err := strconv.ParseInt(version, 10, 64)
		n := 1
		if repeated && err == nil {
			n, err = strconv.Atoi(times)
		}
		if err != nil || v < 0 || n < 1 || n > messagesLive-len(all) {
			return nil, false
		}
		all = append(all, slices.Repeat([]int64{v}, n)...)
	}
	return all, true
}

// contextFor is what the messages of a page are shown in: for whom, of which groups, and of the ticket what the query tells. With
// another one, each of them may be shown differently.
func (p *ticketPage) contextFor(lang string, titles titles) string {
	parts := []string{lang, strconv.FormatBool(p.may.inside), p.may.ticket.GroupId, fmt.Sprint(slices.Sorted(maps.Keys(p.may.member)))}
	for _, topic := range p.may.topics {
		parts = append(parts, topic.Place, strconv.FormatInt(topic.ChatId, 10), titles[topic.Place])
	}
	return revOf(parts...)
}

// Kept are the sequences of the messages that the page has already, as ranges such as 3-17 19.
func (p *ticketPage) Kept() string { return rangesOf(p.kept) }

func rangesOf(ascending []int64) string {
	var b strings.Builder
	for i := 0; i < len(ascending); {
		from := i
		for i++; i < len(ascending) && ascending[i] == ascending[i-1]+1; i++ {
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatInt(ascending[from], 10))
		if i-from > 1 {
			b.WriteString("-" + strconv.FormatInt(ascending[i-1], 10))
		}
	}
	return b.String()
}

// asked is what to ask for: a page before a message, the newest, or what has changed behind one.
func (h had) asked(ticketID, context string, before, after int64) *messages.ListWebTimeline {
	m := &messages.ListWebTimeline{TicketId: ticketID, Before: before, After: after, Limit: messagesOnPage + 1}
	if after == 0 {
		return m
	}
	m.Limit = messagesLive
	if ours, theirs, ok := strings.Cut(h.context, "."); ok && ours == context {
		m.Context, m.Have = theirs, h.have
	}
	return m
}
