package bot

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// Lists of open tickets: a person's own, or those of a group, in pages. A button turns the page of the same message.

const (
	ticketsOnPage  = ticketsToChoose // so that in a private chat each has its button
	lastTicketPage = 99
)

// tickets lists the group's tickets in the general topic and with "all", elsewhere those of the person. In a group, those
// are only the ones that have a topic there: everybody sees the list.
func (h *handling) tickets(m *Message, c SlashCommand) error {
	const all, mine = "all", "mine"
	party := messages.UserPlace(m.From.GetId())
	if ofGroup := c.Arg == all || m.ThreadID == 0 && c.Arg != mine; m.Chat.Group() && ofGroup {
		if answered, err := h.unregistered(); answered || err != nil {
			return err
		}
		party = h.origin.Place
	} else if m.Sender.GetKind() != messages.Sender_USER {
		return h.answer(messages.NoticeAnonymous, named(c.Verb))
	}
	return h.showTickets(party)
}

// mine lists the tickets that the person has claimed: in a group only those that have a topic there.
func (h *handling) mine(m *Message, _ SlashCommand) error {
	return h.showTickets(claimedBy + messages.UserPlace(m.From.GetId()))
}

// waiting lists what waits for the team: of the group, or in private of the groups of which the person is a colleague.
func (h *handling) waiting(m *Message, _ SlashCommand) error {
	if !m.Chat.Group() {
		return h.showTickets(waitsFor + messages.UserPlace(m.From.GetId()))
	}
	if answered, err := h.unregistered(); answered || err != nil {
		return err
	}
	return h.showTickets(waitsFor + h.origin.Place)
}

// waitsFor precedes the place of a group, or of a person, whose list is of what waits for the team.
const waitsFor = "w"

// claimedBy precedes the place of a person whose list is of what they have claimed.
const claimedBy = "c"

// showTickets answers with the first page of a list.
func (h *handling) showTickets(party string) error {
	notice, err := h.ticketList(party, 0)
	if err != nil {
		return err
	}
	notice.ReplyTo = h.origin.MessageId
	op := h.operation()
	op.Call = &messages.Operation_SendNotice{SendNotice: notice}
	return h.answerWith(op)
}

// ticketList makes a page of a list. If there is no such page any more, it is the first one.
func (h *handling) ticketList(party string, page int) (*messages.SendNoticeCall, error) {
	ask := &messages.ListOpenTickets{Skip: int32(page * ticketsOnPage), Limit: ticketsOnPage}
	if strings.HasPrefix(party, waitsFor) {
		return h.waitingList(ask, party, page)
	}
	ofGroup, claimed := messages.IsGroup(party), strings.HasPrefix(party, claimedBy)
	if ask.Claimed = claimed; ofGroup {
		ask.GroupId = party
	} else {
		ask.UserId = h.origin.GetFrom().GetId()
		if h.chat.Group() {
			ask.GroupId = h.origin.Place
		}
	}
	list, err := query[*messages.TicketList](h.ctx, h.desk, ask)
	switch {
	case err != nil:
		return nil, err
	case len(list.Tickets) == 0 && page > 0:
		return h.ticketList(party, 0)
	}
	n := &messages.SendNoticeCall{
		Key: messages.NoticeMyTickets, Args: map[string]string{"count": strconv.FormatInt(list.Count, 10)}, Tickets: list.Tickets,
	}
	if list.More {
		n.Args["count"] += "+"
	}
	if ofGroup {
		n.Key = messages.NoticeGroupTickets
	} else if claimed {
		n.Key = messages.NoticeClaimedTickets
	}
	if h.chat.Group() {
		n.Args["title"] = h.chat.Title
	}
	if len(list.Tickets) == 0 {
		delete(n.Args, "count")
	}
	var rows []*messages.KeyboardRow
	switch {
	case len(list.Tickets) == 0 && ofGroup:
		n.Key = messages.NoticeNoGroupTickets
	case len(list.Tickets) == 0 && claimed:
		n.Key = messages.NoticeNoClaimedTickets
	case len(list.Tickets) == 0:
		n.Key = messages.NoticeNoTickets
	case claimed:
	case h.chat.Private() && !h.own: // in its own topic, what is written goes to that ticket, whatever the current one is
		user, err := query[*messages.UserView](h.ctx, h.desk, &messages.GetUser{UserId: h.origin.GetFrom().GetId()})
		if err != nil {
			return nil, err
		}
		n.Key = messages.NoticePrivateTickets
		rows = ticketRows(openedPrivately(list), messages.CallbackTalk, user.CurrentTicketId)
	}
	if turn := turnRow(party, page, list); len(turn.Buttons) > 0 {
		rows = append(rows, turn)
	}
	if len(rows) > 0 {
		n.Keyboard = &messages.Keyboard{Rows: rows}
	}
	return n, nil
}

// waitingList makes a page of the list of what waits.
func (h *handling) waitingList(ask *messages.ListOpenTickets, party string, page int) (*messages.SendNoticeCall, error) {
	ask.Waiting = true
	if h.chat.Group() {
		ask.GroupId = h.origin.Place
	} else {
		theirs, unknown, err := h.teamGroups()
		switch {
		case err != nil:
			return nil, err
		case len(theirs) == 0 && unknown:
			return &messages.SendNoticeCall{Key: messages.NoticeWaitingCannotAsk}, nil
		case len(theirs) == 0:
			return &messages.SendNoticeCall{Key: messages.NoticeWaitingNoGroup}, nil
		}
		ask.GroupIds = theirs
	}
	list, err := query[*messages.TicketList](h.ctx, h.desk, ask)
	switch {
	case err != nil:
		return nil, err
	case len(list.Tickets) == 0 && page > 0:
		return h.ticketList(party, 0)
	}
	n := &messages.SendNoticeCall{Key: messages.NoticeWaiting, Tickets: list.Tickets, Brief: true, AtZone: list.Zone,
		Args: map[string]string{"count": strconv.FormatInt(list.Count, 10)}}
	if list.More {
		n.Args["count"] += "+"
	}
	if h.chat.Group() {
		n.Args["title"] = h.chat.Title
	}
	if len(list.Tickets) == 0 {
		n.Key = messages.NoticeWaitingNone
		if list.More {
			n.Key = messages.NoticeWaitingAside
		}
		delete(n.Args, "count")
		return n, nil
	}
	if turn := turnRow(party, page, list); len(turn.Buttons) > 0 {
		n.Keyboard = &messages.Keyboard{Rows: []*messages.KeyboardRow{turn}}
	}
	return n, nil
}

const (
	// memberWithin is how long /waiting in private waits for Telegram to say of which groups whoever gave it is a member.
	memberWithin = 20 * time.Second
	// memberPause is the pause before a group is asked again whether it knows by now. It doubles, up to memberPauseMost.
	memberPause, memberPauseMost = 50 * time.Millisecond, 3 * time.Second
)

// teamGroups are the groups of which whoever writes is a colleague and, as Telegram says, still a member. unknown: of some it did
// not say.
func (h *handling) teamGroups() (theirs []string, unknown bool, err error) {
	id := h.origin.GetFrom().GetId()
	written, err := query[*messages.TeamGroups](h.ctx, h.desk, &messages.ListTeamGroups{UserId: id})
	if err != nil {
		return nil, false, err
	}
	late := time.After(memberWithin)
	for groups, pause := written.GroupIds, memberPause; len(groups) > 0; pause = min(2*pause, memberPauseMost) {
		var asked []string
		for _, g := range groups {
			is, err := queryOf[*messages.WebStanding](h.ctx, h.desk, messages.KindGroup, g, &messages.GetWebStanding{UserId: id})
			switch {
			case err != nil:
				return nil, false, err
			case !is.Known:
				asked = append(asked, g)
			case is.Member:
				theirs = append(theirs, g)
			}
		}
		if groups = asked; len(groups) == 0 {
			break
		}
		select {
		case <-h.ctx.Done():
			return nil, false, fmt.Errorf("ask of which groups somebody is a member: %w", h.ctx.Err())
		case <-late:
			return theirs, true, nil
		case <-time.After(pause):
		}
	}
	return theirs, false, nil
}

// turnRow has the buttons that turn the page.
func turnRow(party string, page int, list *messages.TicketList) *messages.KeyboardRow {
	row := &messages.KeyboardRow{}
	add := func(key string, to int) {
		data := strings.Join([]string{messages.CallbackTickets, party, strconv.Itoa(to)}, ":")
		row.Buttons = append(row.Buttons, &messages.Button{Key: key, Data: data})
	}
	if page > 0 {
		add(messages.ButtonBack, page-1)
	}
	if next := page + 1; next <= lastTicketPage && (list.More || int64(next*ticketsOnPage) < list.Count) {
		add(messages.ButtonNext, next)
	}
	return row
}

// onTicketsCallback turns the page of a list of tickets; handled says whether the button does that.
func (h *handling) onTicketsCallback(c *Callback) (outcome string, handled bool, err error) {
	verb, rest, _ := strings.Cut(c.Data, ":")
	party, number, ok := strings.Cut(rest, ":")
	if verb != messages.CallbackTickets {
		return "", false, nil
	}
	page, err := strconv.Atoi(number)
	of := strings.TrimPrefix(strings.TrimPrefix(party, claimedBy), waitsFor)
	switch {
	case !ok || err != nil || page < 0 || page > lastTicketPage, messages.IsGroup(of) && of != h.origin.Place:
		return "stale", true, h.stale()
	case !messages.IsGroup(of) && of != messages.UserPlace(c.From.GetId()):
		return "stale", true, h.answerCallback(messages.NoticeTicketsOfOther)
	}
	if c.Chat.Private() && c.ThreadID != 0 {
		at, err := h.directory.Ticket(h.ctx, h.origin.Place, c.ThreadID)
		if err != nil {
			return "", true, err
		}
		h.own = at != ""
	}
	notice, err := h.ticketList(party, page)
	if err != nil {
		return "", true, err
	}
	if err := h.answerCallback(""); err != nil {
		return "", true, err
	}
	h.origin = h.originFor("page")
	op := h.operation()
	op.Call = &messages.Operation_EditNotice{EditNotice: &messages.EditNoticeCall{MessageId: c.MessageID, Notice: notice}}
	return "pressed", true, h.answerWith(op)
}
