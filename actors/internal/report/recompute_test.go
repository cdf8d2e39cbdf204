package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// plain is what a plain reading of the events gives for one row.
type plain struct {
	first, firstClose, close []time.Duration
	activity                 messages.ActivityRow
	unanswered               int64
	name                     string
}

// recompute makes both reports as docs/reports.md defines them, without tallies.
func recompute(t *rapid.T, events []storage.Event, span *messages.ReportSpan) (*messages.TimesReport, *messages.ActivityReport) {
	zone, err := time.LoadLocation(span.TimeZone)
	if err != nil {
		t.Fatal(err)
	}
	timesBy, activityBy := map[string]*plain{}, map[string]*plain{}
	for _, by := range []map[string]*plain{timesBy, activityBy} {
		day, _ := time.Parse(time.DateOnly, span.FirstDay)
		for ; span.By == ByDay && day.Format(time.DateOnly) <= span.LastDay; day = day.AddDate(0, 0, 1) {
			by[day.Format(time.DateOnly)] = &plain{}
		}
		for h := 0; span.By == ByHour && h < 24; h++ {
			by[fmt.Sprintf("%02d", h)] = &plain{}
		}
		by[""] = &plain{}
	}
	add := func(all map[string]*plain, e *storage.Event, who person, count func(*plain)) {
		day := e.At.In(zone).Format(time.DateOnly)
		if day < span.FirstDay || day > span.LastDay || span.GroupId != "" && e.GroupID != span.GroupId {
			return
		}
		key := map[string]string{ByGroup: e.GroupID, ByPerson: personKey(who.creator()), ByDay: day,
			ByHour: fmt.Sprintf("%02d", e.At.In(zone).Hour())}[span.By]
		if all[key] == nil {
			all[key] = &plain{}
		}
		count(all[key])
		count(all[""])
		if span.By == ByPerson {
			all[key].name = who.Name
		}
	}
	byTicket := map[string][]storage.Event{}
	for _, e := range events {
		byTicket[e.TicketID] = append(byTicket[e.TicketID], e)
	}
	for _, of := range byTicket {
		sort.Slice(of, func(i, j int) bool { return of[i].Number < of[j].Number })
		var answer, firstClose, lastClose *storage.Event
		whole := of[0].Number == 1
		var created time.Time
		data := func(e *storage.Event) (d eventData) {
			if err := json.Unmarshal(e.Data, &d); err != nil {
				t.Fatal(err)
			}
			return d
		}
		for i := range of {
			e := &of[i]
			d := data(e)
			created = d.Ticket.CreatedAt
			opener := d.Ticket.CreatedBy
			switch e.Type {
			case messages.EventTicketCreated:
				add(activityBy, e, opener, func(p *plain) { p.activity.Opened++ })
			case messages.EventTicketClosed:
				if lastClose = e; firstClose == nil {
					firstClose = e
				}
				add(activityBy, e, d.Actor, func(p *plain) { p.activity.Closed++ })
			case messages.EventTicketReopened:
				lastClose = nil
				add(activityBy, e, d.Actor, func(p *plain) { p.activity.Reopened++ })
			case messages.EventMessageSent:
				who := d.Message.Sender
				whose := d.Ticket.Customer
				if whose.Kind == "" {
					whose = opener
				}
				own := who.Kind == whose.Kind && who.ID == whose.ID
				switch {
				case e.Internal:
					add(activityBy, e, who, func(p *plain) { p.activity.Notes++ })
				case own:
					add(activityBy, e, who, func(p *plain) { p.activity.Asked++ })
				default:
					add(activityBy, e, who, func(p *plain) { p.activity.Answered++ })
					if answer == nil {
						answer = e
					}
				}
			}
		}
		took := func(e *storage.Event) time.Duration { return max(0, e.At.Sub(created)) }
		if answer != nil && whole {
			add(timesBy, answer, data(answer).Message.Sender, func(p *plain) { p.first = append(p.first, took(answer)) })
		}
		if firstClose != nil && whole {
			add(timesBy, firstClose, data(firstClose).Actor, func(p *plain) { p.firstClose = append(p.firstClose, took(firstClose)) })
		}
		if lastClose != nil {
			add(timesBy, lastClose, data(lastClose).Actor, func(p *plain) {
				p.close = append(p.close, took(lastClose))
				if whole && (answer == nil || answer.At.After(lastClose.At)) {
					p.unanswered++
				}
			})
		}
	}
	times := &messages.TimesReport{Code: messages.Code_OK, Total: timesBy[""].times("")}
	activity := &messages.ActivityReport{Code: messages.Code_OK, Total: &activityBy[""].activity}
	for _, key := range slices.Sorted(maps.Keys(timesBy))[1:] {
		times.Rows = append(times.Rows, timesBy[key].times(key))
	}
	for _, key := range slices.Sorted(maps.Keys(activityBy))[1:] {
		row := &activityBy[key].activity
		row.Key, row.Name = key, activityBy[key].name
		activity.Rows = append(activity.Rows, row)
	}
	return times, activity
}

func (p *plain) times(key string) *messages.TimesRow {
	of := func(all []time.Duration) *messages.ReportTimes {
		r := &messages.ReportTimes{Tickets: int64(len(all))}
		if len(all) == 0 {
			return r
		}
		sum := 0.0
		for _, d := range all {
			sum += float64(d.Milliseconds())
		}
		r.MeanMs = int64(sum/float64(len(all)) + 0.5)
		// The shortest of the times that so many of them do not exceed.
		percentile := func(percent float64) (shortest int64) {
			shortest = -1
			for _, d := range all {
				n := 0
				for _, other := range all {
					if other.Milliseconds() <= d.Milliseconds() {
						n++
					}
				}
				if ms := d.Milliseconds(); float64(n) >= percent/100*float64(len(all)) && (shortest < 0 || ms < shortest) {
					shortest = ms
				}
			}
			return shortest
		}
		r.MedianMs, r.P90Ms, r.LongestMs = percentile(50), percentile(90), percentile(100)
		return r
	}
	return &messages.TimesRow{Key: key, Name: p.name, FirstAnswer: of(p.first), FirstClose: of(p.firstClose), Close: of(p.close),
		ClosedUnanswered: p.unanswered}
}
