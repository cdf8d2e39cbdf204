package web

import (
	"cmp"
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// access is what a person may see of a ticket, and do with it.
type access struct {
	ticket *messages.TicketRecord
	member map[string]bool      // by place: whose topics of the ticket they read in Telegram
	inside bool                 // they belong to one of its groups; else which groups there are is none of their business
	topic  *messages.WebTopic   // from which they give commands; nil: there is none
	groups []*messages.WebTopic // the topics of their groups
	topics []*messages.WebTopic // all of the ticket's, the home topic first
	partly bool                 // Telegram did not say of every group whether they belong to it
	admins map[string]bool      // by place: which of its groups they administer
	acts   bool                 // from that topic they may close and change the ticket; while that is not known, too: the ticket decides
}

// mayRead is the one place that decides whether a person may see a ticket: they opened it, were brought into it, or belong
// to a group that has a topic of it. To everybody else it does not exist.
func (s *Site) mayRead(ctx context.Context, of *session, id string) (*access, error) {
	id, err := s.ticketNamed(ctx, id)
	if err != nil {
		return nil, err
	}
	found, err := ask[*messages.WebAccess](ctx, s, messages.KindQuery, "",
		&messages.GetWebAccess{TicketId: id, UserId: of.person.Id})
	if err != nil {
		return nil, err
	}
	may := &access{topics: found.Topics, member: map[string]bool{messages.UserPlace(of.person.Id): true}, admins: map[string]bool{}}
	places := make([]string, 0, len(found.Topics))
	for _, topic := range found.Topics {
		places = append(places, topic.Place)
	}
	standing := s.standings(ctx, of, places, false)
	allowed := found.On
	var admin *messages.WebTopic
	for _, topic := range found.Topics {
		is := standing[topic.Place]
		may.partly = may.partly || messages.IsGroup(topic.Place) && !is.GetKnown()
		if is.GetMember() {
			allowed, may.inside, may.member[topic.Place] = true, true, true
			if topic.ThreadId != 0 {
				may.groups = append(may.groups, topic)
			}
		}
		private := topic.Place == messages.UserPlace(of.person.Id)
		if may.topic == nil && (private || is.GetMember() && topic.ThreadId != 0) {
			may.topic = topic
		}
		if is.GetAdmin() && topic.ThreadId != 0 {
			admin, may.admins[topic.Place] = cmp.Or(admin, topic), true
		}
	}
	if admin != nil {
		may.topic = admin
	}
	may.acts = may.topic != nil && (found.Acts || admin != nil || found.ActsAtHome && may.topic == found.Topics[0] || may.partly)
	if !allowed {
		return nil, errNowhere
	}
	may.ticket, err = ask[*messages.TicketRecord](ctx, s, messages.KindTicket, id, &messages.GetTicket{TicketId: id})
	return may, err
}

// sees says whether a person who may see the ticket may see one of its messages: an internal note, and what Telegram
// protects, only where it was written.
func (a *access) sees(m *messages.MessageRecord) bool {
	return !m.Internal && !m.GetContent().GetIsProtected() || a.member[m.GetTopic().GetGroupId()]
}

// seesFormer says whether a person may see what a message said before it was edited.
func (a *access) seesFormer(m *messages.MessageRecord, of *session) bool {
	by := m.GetSender()
	return a.member[m.GetTopic().GetGroupId()] || by.GetKind() == messages.Sender_USER && by.GetId() == of.person.Id
}

// noteTopic is the topic of a group in which the person may write a note: the one in that chat, "" for the first; nil: in none.
func (a *access) noteTopic(chat string) *messages.WebTopic {
	for _, topic := range a.groups {
		if chat == "" || chat == strconv.FormatInt(topic.ChatId, 10) {
			return topic
		}
	}
	return nil
}

// ticketNamed finds the id of a ticket by its id or its number.
func (s *Site) ticketNamed(ctx context.Context, name string) (string, error) {
	if number, named := messages.ParseNumber(name); named {
		found, err := ask[*messages.TicketIDs](ctx, s, messages.KindQuery, "", &messages.FindNumber{Number: number})
		if err != nil {
			return "", err
		}
		if len(found.TicketIds) == 1 {
			return found.TicketIds[0], nil
		}
	}
	if id, ok := messages.ParseTicketID(name); ok {
		return id, nil
	}
	return "", errNowhere
}

const (
	askedTogether = 8
	firstPause    = 50 * time.Millisecond // doubled each time, until it is longestPause
	longestPause  = 1600 * time.Millisecond
	// standingsWithin is how long a page waits for all groups together.
	standingsWithin = 3 * time.Second
	// staleAfter is how long a page waits where Telegram's last answer is not an hour old. After that it will do.
	staleAfter = 300 * time.Millisecond
)

// standings says what a person is in each group. Where Telegram does not answer in time, they are nobody. cached: Telegram is not
// asked, what it said within the last hour will do.
func (s *Site) standings(ctx context.Context, of *session, places []string, cached bool) map[string]*messages.WebStanding {
	ctx, cancel := context.WithTimeout(ctx, standingsWithin)
	defer cancel()
	var mu sync.Mutex
	var asking sync.WaitGroup
	all, slots := map[string]*messages.WebStanding{}, make(chan struct{}, askedTogether)
	for _, place := range places {
		if !messages.IsGroup(place) {
			continue
		}
		asking.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			is := s.standing(ctx, of, place, cached)
			mu.Lock()
			defer mu.Unlock()
			all[place] = is
		})
	}
	asking.Wait()
	return all
}

func (s *Site) standing(ctx context.Context, of *session, place string, cached bool) *messages.WebStanding {
	var waited time.Duration
	for pause := firstPause; ; pause *= 2 {
		if waited >= staleAfter {
			last, err := ask[*messages.WebStanding](ctx, s, messages.KindGroup, place,
				&messages.GetWebStanding{UserId: of.person.Id, CachedOnly: true})
			if err == nil && last.Known {
				return last
			}
		}
		is, err := ask[*messages.WebStanding](ctx, s, messages.KindGroup, place,
			&messages.GetWebStanding{UserId: of.person.Id, CachedOnly: cached})
		if err != nil {
			if ctx.Err() == nil {
				s.log.Warn("a group did not say who belongs to it", "group", place, "error", err)
			}
			return nil
		}
		if is.Known || cached || pause > longestPause {
			return is
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.o.Ending:
			return nil
		case <-time.After(pause):
			waited += pause
		}
	}
}
