package monitor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// monitor is the entity that owns the desk's errors and problems. There is one in the whole desk.
//
// It takes the messages that Kind lists: what nodes report, what programs ask and people press. It emits error.occurred by the
// log, and posts problems by the chat of ALERTS_CHAT. It stays.
type monitor struct {
	*entity.Host
	room *Room

	groups     map[string]*storage.ErrorGroup // by fingerprint: all that are stored
	occurrence int64                          // the newest of all groups
	through    int64                          // up to which events have told of all
	told       []time.Time                    // when there were events, lately; groups may be gone meanwhile
	publishing bool                           // a timer is set

	problems map[string]*storage.Problem // by id: all that are stored
	nodes    map[string]*nodeNews
	found    map[string]*messages.Condition // by id of the problem: what storage tells
	looked   time.Time                      // when storage was last looked at; zero: not yet
	held     map[string]*holding            // by id of the problem
	posts    []time.Time                    // within the last minute
	stopTick func()
	warned   time.Time // when it was last logged that nothing can be posted
}

const (
	// groupsAtMost is how many groups of errors are kept, and problemsAtMost how many problems: beyond it the oldest that are
	// dealt with go, then the oldest.
	groupsAtMost, problemsAtMost = 1000, 1000
	pageOfRecords                = 200
)

// tick makes the monitor look. It is the message of its timer.
type tick struct{}

func (m *monitor) Load() error {
	groups, problems := map[string]*storage.ErrorGroup{}, map[string]*storage.Problem{}
	m.occurrence, m.through = 0, 0
	for after := ""; ; {
		page, err := m.Store.ErrorGroups(m.Ctx, after, pageOfRecords)
		if err != nil {
			return fmt.Errorf("read the errors: %w", err)
		}
		for i := range page {
			g := &page[i]
			groups[g.Fingerprint] = g
			m.occurrence, m.through = max(m.occurrence, g.Occurrence), max(m.through, g.Through)
			if !g.ToldAt.IsZero() && !slices.ContainsFunc(m.told, g.ToldAt.Equal) {
				m.told = append(m.told, g.ToldAt)
			}
		}
		if len(page) < pageOfRecords {
			break
		}
		after = page[len(page)-1].Fingerprint
	}
	for after := ""; ; {
		page, err := m.Store.Problems(m.Ctx, after, pageOfRecords)
		if err != nil {
			return fmt.Errorf("read the problems: %w", err)
		}
		for i := range page {
			problems[page[i].ProblemID] = &page[i]
		}
		if len(page) < pageOfRecords {
			break
		}
		after = page[len(page)-1].ProblemID
	}
	m.groups, m.problems, m.publishing = groups, problems, false
	if m.nodes == nil {
		m.nodes, m.held = map[string]*nodeNews{}, map[string]*holding{}
	}
	return nil
}

func (m *monitor) Resume() error {
	m.tickLater()
	m.publish()
	return nil
}

// tickLater sets the one timer of tick.
func (m *monitor) tickLater() {
	if m.stopTick != nil {
		m.stopTick()
	}
	m.stopTick = m.After(reportEvery, tick{})
}

// Idle implements entity.Entity. It is always needed where it is: it stays.
func (m *monitor) Idle() bool { return false }

func (m *monitor) onWake(*messages.Wake) (proto.Message, error) { return entity.OK(), nil }

func (m *monitor) onTick(tick) error {
	defer m.tickLater()
	if m.Draining() {
		return nil
	}
	err := m.round(m.now())
	if err == nil || errors.Is(err, storage.ErrConflict) { // after the latter the host reads the records again
		return err
	}
	if m.Ctx.Err() == nil {
		m.Log.Warn("errors and problems can't be looked after; tried again", "error", err)
	}
	return nil
}

// round does what is due.
func (m *monitor) round(now time.Time) error {
	if err := m.tellLate(now); err != nil {
		return err
	}
	if err := m.look(now); err != nil {
		return err
	}
	if err := m.judge(now); err != nil {
		return err
	}
	if err := m.warnOfAlerts(now); err != nil {
		return err
	}
	return m.post(now)
}

// now is the time as storage keeps it.
func (m *monitor) now() time.Time { return m.Now().UTC().Truncate(time.Millisecond) }

// republishAfter is how long the monitor waits for the log to say that it has its events.
const republishAfter = 5 * time.Second

type publishAgain struct{}

func (m *monitor) onPublish(publishAgain) error {
	m.publishing = false
	m.publish()
	return nil
}

// publish gives the log the events, again and again until it has them.
func (m *monitor) publish() {
	if m.publishing {
		return
	}
	var events []storage.Event
	for _, g := range m.groups {
		events = append(events, g.Unlogged...)
	}
	if len(events) == 0 {
		return
	}
	slices.SortFunc(events, func(a, b storage.Event) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.EventID, b.EventID)
	})
	m.publishing = true
	m.After(republishAfter, publishAgain{})
	m.Tell(messages.KindLog, desk.PartitionOf(Desk), desk.AppendEvents(messages.KindMonitor, Desk, 0, events))
}

// onAppended learns which events the log has.
func (m *monitor) onAppended(a *messages.Appended) error {
	logged := func(e storage.Event) bool { return slices.Contains(a.EventIds, e.EventID) }
	var changed []*storage.ErrorGroup
	for _, g := range m.groups {
		if slices.ContainsFunc(g.Unlogged, logged) {
			next := *g
			next.Unlogged = slices.DeleteFunc(slices.Clone(g.Unlogged), logged)
			changed = append(changed, &next)
		}
	}
	if err := m.save(changed); err != nil {
		return err
	}
	m.publishing = false // the timer only publishes once more
	m.publish()
	return nil
}
