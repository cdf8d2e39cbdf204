package web

import (
	"context"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// access is what a person may see of a ticket, and do with it.
type access struct {
	ticket *messages.TicketRecord
	member map[string]bool // by place: whose topics of the ticket they read in Telegram
	inside bool            // they belong to one of its groups; else which groups there are is none of their business
	topic  *messages.WebTopic
	// manages says that they may close and reopen it. The ticket asks Telegram again before it does.
	manages bool
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
	may := &access{member: map[string]bool{messages.UserPlace(of.person.Id): true}, manages: found.On}
	places := make([]string, 0, len(found.Topics))
	for _, topic := range found.Topics {
		places = append(places, topic.Place)
	}
	standing := s.standings(ctx, of, places)
	allowed := found.On
	var admin *messages.WebTopic
	for _, topic := range found.Topics {
		is := standing[topic.Place]
		if is.GetMember() {
			allowed, may.inside, may.member[topic.Place] = true, true, true
		}
		private := topic.Place == messages.UserPlace(of.person.Id)
		if may.topic == nil && (private || is.GetMember() && topic.ThreadId != 0) {
			may.topic = topic
		}
		if admin == nil && is.GetAdmin() && topic.ThreadId != 0 {
			admin = topic
		}
	}
	if admin != nil {
		may.topic, may.manages = admin, true
	}
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
)

// standings says what a person is in each group. Where Telegram does not answer in time, they are nobody.
func (s *Site) standings(ctx context.Context, of *session, places []string) map[string]*messages.WebStanding {
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
			is := s.standing(ctx, of, place)
			mu.Lock()
			defer mu.Unlock()
			all[place] = is
		})
	}
	asking.Wait()
	return all
}

func (s *Site) standing(ctx context.Context, of *session, place string) *messages.WebStanding {
	for pause := firstPause; ; pause *= 2 {
		is, err := ask[*messages.WebStanding](ctx, s, messages.KindGroup, place,
			&messages.GetWebStanding{UserId: of.person.Id})
		if err != nil {
			if ctx.Err() == nil {
				s.log.Warn("a group did not say who belongs to it", "group", place, "error", err)
			}
			return nil
		}
		if is.Known || pause > longestPause {
			return is
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.o.Ending:
			return nil
		case <-time.After(pause):
		}
	}
}
