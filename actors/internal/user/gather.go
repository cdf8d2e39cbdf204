package user

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file finds out which groups a person may choose from for a draft.

const (
	groupsLookedAt      = 1000 // registered groups that are read, at most
	groupsAskedAtMost   = 200  // of them, at most so many are asked for each draft whether the person is a member
	groupsAskedTogether = 10
	gatherWait          = 10 * time.Second // for groups to answer; what is known by then is shown
)

// gather holds the questions to groups for one draft.
type gather struct {
	left  []ids.Place        // not asked yet
	asked map[ids.Place]bool // no answer yet
	found []ids.Place
	mute  int // how many could not be asked
}

type gatherOver struct{ ticketID ids.TicketID }

// gather begins to find out which groups the person may choose from.
func (u *user) gather(ticketID ids.TicketID) error {
	g := &gather{asked: map[string]bool{}}
	after := ""
	for looked := 0; looked < groupsLookedAt; {
		page, err := u.Store.Groups(u.Ctx, after, desk.PageOfMessages)
		if err != nil {
			return fmt.Errorf("read the groups: %w", err)
		}
		for i := range page {
			after = page[i].GroupID
			switch {
			case desk.TicketsIn(&page[i]) != messages.Standing_READY:
			case page[i].Public:
				g.found = append(g.found, after)
			case len(g.left) < groupsAskedAtMost:
				g.left = append(g.left, after)
			default:
				g.mute++
			}
		}
		if looked += len(page); len(page) < desk.PageOfMessages {
			break
		}
	}
	u.gathers[ticketID] = g
	u.After(gatherWait, gatherOver{ticketID})
	u.askMore(ticketID, g)
	if len(g.asked) == 0 {
		u.Note(gatherOver{ticketID}) // nobody is to be asked; not in this turn, which may be saving already
	}
	return nil
}

// askMore asks the next groups, a few at a time.
func (u *user) askMore(ticketID ids.TicketID, g *gather) {
	for len(g.left) > 0 && len(g.asked) < groupsAskedTogether {
		g.asked[g.left[0]] = true
		u.askGroup(g.left[0], &messages.CheckMember{DraftId: ticketID})
		g.left = g.left[1:]
	}
}

func (u *user) askGroup(groupID ids.Place, m *messages.CheckMember) {
	m.UserId, _ = strconv.ParseInt(u.ID, 10, 64)
	m.OwnerId = u.ID
	u.Tell(messages.KindGroup, groupID, m)
}

// onMemberChecked accepts a group's answer.
func (u *user) onMemberChecked(m *messages.MemberChecked) error {
	if m.Chosen {
		return u.onChoiceChecked(m)
	}
	g := u.gathers[m.DraftId]
	if g == nil || !g.asked[m.GroupId] {
		return nil
	}
	delete(g.asked, m.GroupId)
	switch {
	case m.Failure != "":
		g.mute++
	case m.IsMember:
		g.found = append(g.found, m.GroupId)
	}
	u.askMore(m.DraftId, g)
	if len(g.asked) > 0 {
		return nil
	}
	return u.onGatherOver(gatherOver{m.DraftId})
}

// onGatherOver shows what was found out.
func (u *user) onGatherOver(m gatherOver) error {
	g, d := u.gathers[m.ticketID], draftOf(u.record, m.ticketID)
	if g == nil {
		return nil
	}
	if d == nil || d.State != draftListing {
		delete(u.gathers, m.ticketID)
		return nil
	}
	titles := map[string]string{}
	for _, id := range g.found {
		title, err := desk.GroupTitle(u.Ctx, u.Store, id)
		if err != nil {
			return err
		}
		titles[id] = title
	}
	slices.SortFunc(g.found, func(a, b string) int {
		return cmp.Or(strings.Compare(strings.ToLower(titles[a]), strings.ToLower(titles[b])), strings.Compare(a, b))
	})
	found, mute := slices.Compact(g.found), g.mute+len(g.left)+len(g.asked)
	keyboard, err := u.groupKeyboard(m.ticketID, found, 0)
	if err != nil {
		return err
	}
	err = u.alter(func(r *storage.User) {
		d := draftOf(r, m.ticketID)
		o := originIn(d.Asked)
		args := map[string]string{"title": d.Title}
		if len(found) == 0 {
			args = givenUp(d)
		}
		if mute > 0 {
			args["mute"] = strconv.Itoa(mute)
		}
		if len(found) == 0 {
			giveUpDraft(r, m.ticketID)
			u.say(r, o, &messages.SendNoticeCall{
				Key: messages.NoticePrivateNoGroup, Args: args, ReplyTo: o.MessageId,
			})
			return
		}
		d.State, d.Groups = draftChoosing, found
		u.say(r, o, &messages.SendNoticeCall{
			Key: messages.NoticePrivateChoose, Args: args, ReplyTo: o.MessageId, Keyboard: keyboard, TicketId: m.ticketID,
		})
	})
	if err == nil {
		delete(u.gathers, m.ticketID)
	}
	return err
}
