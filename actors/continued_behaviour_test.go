package actors_test

import "testing"

// TestContinuingNamesTheTicketInAPrivateChat: where a person has two tickets, "this ticket" would say nothing.
func TestContinuingNamesTheTicketInAPrivateChat(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	alpha := d.openedAlone(d.ann, d.support, "Alpha")
	d.openedAlone(d.ann, d.support, "Beta")
	d.awaitAnswer(d.say(d.ann, d.support, alpha.thread, "/pending"), "to pending")
	d.awaitText(d.ann, 0, "set your ticket #1 Alpha to pending: it waits for an answer")
	d.say(d.ann, d.support, alpha.thread, "/reopen_ticket")
	d.awaitText(d.ann, 0, "set your ticket #1 Alpha to open again")
	d.awaitText(d.support, alpha.thread, "set this ticket to open again")
}
