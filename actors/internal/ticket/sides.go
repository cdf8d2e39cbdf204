package ticket

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Who is the desk on a ticket, and who is the customer (docs/decisions.md, D186).

// people is what a ticket has found out about people. It holds for peopleKept, and while the ticket has the same topics.
type people struct {
	links, at  int64               // LinksRevision, and Unix time
	team       map[ids.UserID]bool // by user id: whether they are of the desk wherever they write
	colleagues *bool
	asked      map[ids.Place]int64 // groups that were asked who administers them, and when; 0: they have answered
}

// checkPeople is the id of the question to a group who administers it, when no command waits for the answer.
const checkPeople = "people"

const peopleKept = int64(time.Minute / time.Second)

// answersWithin is for how many seconds a group's answer about its administrators is still expected.
const answersWithin = int64(30)

// sideOf is the side on which somebody speaks in a topic; "": on none. place is where they stand.
func (t *ticket) sideOf(who storage.Creator, place ids.Place, topicID ids.TopicKey) (string, error) {
	if messages.IsPrivate(place) {
		return storage.WaitsForCustomer, nil
	}
	colleagues, err := t.isAmongColleagues()
	if err != nil {
		return "", err
	}
	switch {
	case colleagues && (topicID == desk.HomeTopic || place == t.record.GroupID):
		return storage.WaitsForCustomer, nil
	case colleagues && messages.IsGroup(place):
		return storage.WaitsForDesk, nil
	case t.isCustomer(who):
		return storage.WaitsForCustomer, nil
	}
	team, err := t.isOfDesk(who, place)
	if team {
		return storage.WaitsForDesk, err
	}
	return "", err
}

// isCustomer says whether the ticket is somebody's: they opened it, or it was opened from their message.
func (t *ticket) isCustomer(who storage.Creator) bool { return t.record.Customer().Is(who) }

// keepCustomer keeps whose message a ticket is opened from. Where somebody else answers what the team has said, as people
// do who are told to, they are the customer, who opens it.
func (t *ticket) keepCustomer(r *storage.Ticket, m *messages.OpenTicket) error {
	from := m.Customer
	if from == nil || messages.IsPrivate(m.Origin.GetPlace()) {
		return nil
	}
	group, err := t.Store.Group(t.Ctx, r.GroupID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("read a group: %w", err)
	}
	theirs, err := t.isOfGroup(group, from.Id)
	if err != nil {
		return err
	}
	own := r.CreatedBy.Kind == "group"
	if theirs && !own {
		if own, err = t.isOfGroup(group, m.Origin.GetFrom().GetId()); err != nil {
			return err
		}
	}
	if !theirs || own {
		customer := desk.CreatorOf(&messages.Origin{From: from})
		r.OpenedFor = &customer
	}
	return nil
}

// isOfGroup says whether somebody is an internal user or an administrator of a group (nil: nobody knows it), as far as the
// desk has written down.
func (t *ticket) isOfGroup(group *storage.Group, userID ids.UserID) (bool, error) {
	if group == nil {
		return false, nil
	}
	user, err := t.Store.User(t.Ctx, userID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return false, fmt.Errorf("read a user: %w", err)
	}
	return slices.Contains(group.Admins, userID) || user != nil && user.DefaultGroupID == group.GroupID, nil
}

// isOfDesk says whether somebody who writes at a place, and is not the customer, is of the desk, as far as the ticket
// knows: it can't wait for Telegram.
func (t *ticket) isOfDesk(who storage.Creator, place ids.Place) (bool, error) {
	switch {
	case who.Kind == "group", who.Kind == "apiKey": // an anonymous administrator; a program
		return true, nil
	case who.Kind != "user":
		return false, nil
	case place == t.record.GroupID, place == "": // a member of the home group; the web desk, where no customer else writes
		return true, nil
	}
	id, err := strconv.ParseInt(who.ID, 10, 64)
	if err != nil {
		return false, nil
	}
	return t.isOfTeam(id)
}

// isOfTeam says whether a person was mentioned on the ticket, or is an internal user or an administrator of one of its
// groups. A group of which it is not known who administers it is asked, so that it is known the next time.
func (t *ticket) isOfTeam(userID ids.UserID) (bool, error) {
	s := t.freshPeople()
	if team, known := s.team[userID]; known {
		return team, nil
	}
	if t.linkWith(userID) != nil {
		s.team[userID] = true
		return true, nil
	}
	user, err := t.Store.User(t.Ctx, userID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return false, fmt.Errorf("read a user: %w", err)
	}
	team := user != nil && user.DefaultGroupID != "" && t.hasGroup(user.DefaultGroupID)
	for _, topic := range desk.TopicsOf(t.record) {
		if team || !messages.IsGroup(topic.GroupID) {
			continue
		}
		group, err := t.Store.Group(t.Ctx, topic.GroupID)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("read a group: %w", err)
		}
		team = slices.Contains(group.Admins, userID)
		if _, asked := s.asked[topic.GroupID]; len(group.Admins) == 0 && !asked {
			s.asked[topic.GroupID] = t.Now().Unix()
			t.ask(&messages.Origin{CommandId: checkPeople, From: &messages.Person{Id: userID}}, []ids.Place{topic.GroupID})
		}
	}
	s.team[userID] = team
	return team, nil
}

// asksWhoAdministers says whether one of the ticket's groups is about to say who administers it: whoever is not of the team may be.
func (t *ticket) asksWhoAdministers() bool {
	return slices.ContainsFunc(desk.TopicsOf(t.record), func(topic *storage.Topic) bool {
		asked := t.people.asked[topic.GroupID]
		return asked != 0 && t.Now().Unix()-asked < answersWithin
	})
}

// isAmongColleagues says whether the customer is of the desk, too, and colleagues in other groups were asked:
// then the home topic asks, and the linked topics answer.
func (t *ticket) isAmongColleagues() (bool, error) {
	s := t.freshPeople()
	if s.colleagues != nil {
		return *s.colleagues, nil
	}
	linked := false
	for _, topic := range desk.TopicsOf(t.record)[1:] {
		if messages.IsPrivate(topic.GroupID) {
			linked = false
			break
		}
		linked = linked || topic.GroupID != t.record.GroupID && !topic.Unproven
	}
	is := false
	if by := t.record.Customer(); linked && by.Kind == "group" {
		is = true
	} else if id, err := strconv.ParseInt(by.ID, 10, 64); linked && by.Kind == "user" && err == nil {
		if is, err = t.isOfTeam(id); err != nil {
			return false, err
		}
	}
	s.colleagues = &is
	return is, nil
}

// freshPeople is what the ticket knows of people, or nothing if that is too old.
func (t *ticket) freshPeople() *people {
	now := t.Now().Unix()
	if s := &t.people; s.team == nil || s.links != t.record.LinksRevision || now-s.at >= peopleKept || now < s.at {
		asked := s.asked
		if asked == nil {
			asked = map[ids.Place]int64{}
		}
		t.people = people{links: t.record.LinksRevision, at: now, team: map[ids.UserID]bool{}, asked: asked}
	}
	return &t.people
}
