package actors_test

import "testing"

// An edit of the command that opened a ticket changes the description; that the title stays is said once.
func TestEditedCommandLeavesTheTitle(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	opened := d.say(d.eve, d.support, 0, "/create_ticket Printr\nIt burns")
	k := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(opened, "Ticket opened: #").Text)}
	k.thread = d.topicNamed(d.support, "Printr").Thread
	d.quiet(k)
	d.edit(opened, "/create_ticket Printr\nIt smokes")
	d.eventually("the description follows", func() bool { return d.record(k).Description == "It smokes" })
	d.quiet(k)
	if n := d.answers(opened, "changes only the description"); n != 0 {
		t.Errorf("the title is the same, and it is told %d times", n)
	}
	d.edit(opened, "/create_ticket Printer\nIt smokes")
	d.awaitAnswer(opened, "stays: an edit of this message changes only the description. To change the title, rename the topic")
	d.edit(opened, "/create_ticket Printers\nThey smoke")
	d.eventually("the description follows", func() bool { return d.record(k).Description == "They smoke" })
	d.quiet(k)
	if n, title := d.answers(opened, "changes only the description"), d.record(k).Title; n != 1 || title != "Printr" {
		t.Errorf("told %d times, %q", n, title)
	}
}
