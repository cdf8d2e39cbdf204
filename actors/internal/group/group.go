package group

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// group is the entity that owns one group: whether it is registered, what the bot may do in it, and its language. It
// also caches who administers the group and who belongs to it.
//
// It takes the messages that Kind lists and those that have a row in groupRequests (requests.go). It replies once to
// each command, and to ChangeGroup with a GroupRecord. It emits AdminChecked and MemberChecked to whoever asked, and
// GroupChanged and Send to its chat. It stops after 10 idle minutes with nothing pending.
type group struct {
	*entity.Host
	aliases *desk.Aliases
	record  *storage.Group // nil: the desk has not heard of the group
	admins  map[ids.UserID]bool
	fresh   time.Time // when Telegram listed them
	waiting []*messages.CheckAdmin

	enqueued map[string]*messages.Operation // given to the chat, by id
	tries    map[string]int64               // attempts of a pending operation that is tried again
	asked    int64                          // number of the newest question to Telegram

	retiming retiming // retime.go
	listing  listing  // waiting.go

	members *desk.Recent[ids.UserID, membership]   // by user id: who belongs to the group (member.go)
	checks  map[ids.UserID][]*messages.CheckMember // by user id: checks that wait for Telegram's answer
	again   map[ids.UserID][]*messages.CheckMember // by user id: checks that need a newer answer
}

const (
	// adminsKeep is how long Telegram's list of a group's administrators is cached.
	adminsKeep     = 5 * time.Minute
	handledByGroup = 100
)

// Kind declares the groups, which keep aliases in step.
func Kind(aliases *desk.Aliases) *entity.Kind {
	k := &entity.Kind{
		Name: messages.KindGroup,
		New:  func(h *entity.Host) entity.Entity { return &group{Host: h, aliases: aliases} },
		Messages: []entity.Handler{
			// what updates tell
			entity.Replies((*group).onMembership), entity.Replies((*group).onMemberChanged), entity.Replies((*group).onMigrate),
			// messages that no ticket has yet
			entity.Replies((*group).onShelve), entity.Replies((*group).onTake),
			// programs
			entity.Replies((*group).onChange),
			// tickets and people that ask
			entity.Takes((*group).onCheckAdmin), entity.Takes((*group).onCheckMember), entity.Takes((*group).onWaitingChanged),
			// the web desk
			entity.Replies((*group).onWebStanding),
			// its chat
			entity.Settles((*group).onDone), entity.Takes((*group).onQueueLost),
			// its own timers, and the sweep
			entity.Takes((*group).onEnqueueAgain), entity.Takes((*group).onRetimeStep), entity.Takes((*group).onLookAtList),
			entity.Replies((*group).onWake),
		},
	}
	for _, r := range groupRequests {
		if r.own {
			continue
		}
		k.Messages = append(k.Messages, entity.RepliesTo(r.message, func(e entity.Entity, m any) (proto.Message, error) {
			return e.(*group).onCommand(m.(desk.Command))
		}))
	}
	return k
}

func (g *group) Load() error {
	g.enqueued, g.tries, g.waiting = map[string]*messages.Operation{}, map[string]int64{}, nil
	g.admins, g.fresh, g.retiming, g.listing = nil, time.Time{}, retiming{}, listing{}
	g.members = desk.NewRecent[ids.UserID, membership](membersKept)
	g.checks, g.again = map[ids.UserID][]*messages.CheckMember{}, map[ids.UserID][]*messages.CheckMember{}
	if _, ok := messages.ChatIn(g.ID); !ok || !messages.IsGroup(g.ID) {
		return fmt.Errorf("%q is not the id of a group", g.ID)
	}
	record, err := g.Store.Group(g.Ctx, g.ID)
	if errors.Is(err, storage.ErrNotFound) {
		g.record = nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the group: %w", err)
	}
	g.record = record
	return nil
}

var _ entity.Versioned = (*group)(nil)

// Versions implements entity.Versioned.
func (g *group) Versions() (known, stored int64, err error) {
	if g.record != nil {
		known = g.record.Version
	}
	record, err := g.Store.Group(g.Ctx, g.ID)
	if err == nil {
		stored = record.Version
	}
	return known, stored, err
}

func (g *group) Resume() error {
	g.follow()
	g.retimeSoon(0)
	g.looksAgain()
	return nil
}

func (g *group) Idle() bool {
	pending := g.record != nil && isPending(g.record)
	return len(g.waiting) == 0 && len(g.checks) == 0 && len(g.enqueued) == 0 && !pending && g.listing.changed.IsZero()
}

// onQueueLost enqueues again what the group's chat has lost.
func (g *group) onQueueLost(*messages.QueueLost) error {
	g.enqueueAgain()
	return nil
}

func (g *group) enqueueAgain() {
	for _, op := range g.enqueued {
		g.Enqueue(op)
	}
}

func (g *group) onWake(*messages.Wake) (proto.Message, error) {
	g.planLook()
	return entity.OK(), nil
}

// isPending says whether a record has something that is not done yet.
func isPending(r *storage.Group) bool { return len(r.Pending) > 0 || r.Retiming }

// change writes the record with a change, and with the id of the command that made it; "" for none.
func (g *group) change(commandID string, f func(*storage.Group)) error {
	now := g.Now().UTC().Truncate(time.Millisecond)
	var next storage.Group
	if g.record == nil {
		chatID, _ := messages.ChatIn(g.ID)
		next = storage.Group{GroupID: g.ID, TelegramGroupID: chatID, CreatedAt: now}
	} else {
		next = *g.record
		next.Pending, next.Handled = slices.Clone(next.Pending), slices.Clone(next.Handled)
		next.FormerIDs = slices.Clone(next.FormerIDs)
	}
	if commandID != "" {
		next.Handled = desk.Remember(next.Handled, commandID, handledByGroup)
	}
	listed, language := g.lists(), next.Language
	f(&next)
	begins := g.record != nil && !listed && lists(&next)
	if begins {
		g.beginList(&next)
	}
	g.endList(&next)
	defer g.aliases.Put(next.GroupID, next.TelegramGroupID)
	next.UpdatedAt, next.DueAt = now, dueAt(&next, now)
	err := g.Written(g.Store.SaveGroup(g.Ctx, &next))
	if errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("%w: %w", storage.ErrConflict, err)
	}
	if err != nil {
		return fmt.Errorf("save the group: %w", err)
	}
	g.record = &next
	g.retimeSoon(0)
	switch {
	case !g.lists():
		g.listing.changed = time.Time{}
		g.planLook()
	case begins || next.Language != language:
		g.looksAgain()
	}
	g.Tell(messages.KindChat, g.ID, &messages.GroupChanged{})
	return nil
}

// dueAt is when the sweep wakes the group: soon while something is pending, else when it looks what waits; zero: not at all.
func dueAt(r *storage.Group, now time.Time) time.Time {
	switch {
	case isPending(r):
		return now.Add(desk.PendingFor)
	case r.WaitingList != nil && lists(r):
		return r.WaitingList.LookAt
	}
	return time.Time{}
}

func (g *group) handled(o *messages.Origin) bool {
	return g.record != nil && slices.Contains(g.record.Handled, o.GetCommandId())
}

// onMembership: the bot was added, promoted, restricted or removed.
func (g *group) onMembership(m *messages.SetMembership) (proto.Message, error) {
	if g.handled(m.Origin) {
		return entity.Duplicate(), nil
	}
	wasIn := g.record != nil && g.record.BotStatus != "" && !desk.IsOut(g.record)
	wasReady := g.record != nil && desk.TopicsIn(g.record) == messages.Standing_READY
	err := g.change(m.Origin.CommandId, func(r *storage.Group) {
		setFacts(r, m.Facts)
		if desk.IsOut(r) {
			return
		}
		r.SupportTopicsEnabled = true
		if from := m.Origin.GetFrom(); r.RegisteredBy == 0 && !from.GetIsBot() {
			r.RegisteredBy = from.GetId()
		}
		noteSpoken(r, m.Origin)
		// The notice is for the bot's arrival, and again for when nothing is missing any more.
		if !wasIn || !wasReady && desk.TopicsIn(r) == messages.Standing_READY {
			g.addPending(r, m.Origin, g.standing(r, messages.NoticeGroupRegistered), registered(r), nil)
		}
	})
	if err != nil {
		return nil, err
	}
	g.follow()
	return entity.OK(), nil
}

func setFacts(r *storage.Group, f *messages.GroupFacts) {
	if f.Title != "" {
		r.Title = f.Title
	}
	if f.Type != "" {
		r.Type = f.Type
	}
	r.IsForum, r.BotStatus = f.IsForum, f.BotStatus
	r.BotIsAdmin = f.BotStatus == "administrator"
	r.CanManageTopics, r.CanPinMessages = f.CanManageTopics, f.CanPinMessages
	r.CanDeleteMessages = f.CanDeleteMessages
}

// registered are the arguments of the notices that say that a group is registered. They say which rights are missing that
// some features need besides.
func registered(r *storage.Group) map[string]string {
	args := map[string]string{"title": r.Title, "nodelete": "", "nopin": ""}
	if !r.CanDeleteMessages {
		args["nodelete"] = "yes"
	}
	if !r.CanPinMessages {
		args["nopin"] = "yes"
	}
	return args
}

// standing returns the notice for what the group can do: what is missing, or fine when nothing is.
func (g *group) standing(r *storage.Group, fine string) string {
	return cmp.Or(desk.TopicsIn(r).Notice(), fine)
}

// addPending adds a notice to the record, with buttons if there are any, for the chat and topic that the command came from. To whoever pressed a button it is
// shown by the button, but for the settings, whose message it replaces.
func (g *group) addPending(r *storage.Group, o *messages.Origin, key string, args map[string]string, keyboard *messages.Keyboard) {
	notice := &messages.SendNoticeCall{Key: key, Args: args, ReplyTo: o.GetMessageId(), Keyboard: keyboard}
	shown := key == messages.NoticeHoursShown || key == messages.NoticeAnswerWithinShown // with buttons of its own, or what to send
	if o.GetCallbackId() == "" || shown || key == messages.NoticeHoursSet {              // all are to know when the team works
		op := desk.OperationTo(o)
		op.Call = &messages.Operation_SendNotice{SendNotice: notice}
		g.addOperation(r, o, "", op)
	}
	if o.GetCallbackId() == "" {
		return
	}
	answer := &messages.AnswerCallbackCall{CallbackId: o.CallbackId}
	switch {
	case shown, key == messages.NoticeHoursSet:
	case key == messages.NoticeSettings, key == messages.NoticeWaitingOff:
		op := desk.OperationTo(o)
		op.Call = &messages.Operation_EditNotice{EditNotice: &messages.EditNoticeCall{MessageId: o.CallbackMessageId, Notice: notice}}
		g.addOperation(r, o, "", op)
	default:
		answer.Key, answer.Args, answer.Alert = key, args, true
	}
	op := desk.OperationTo(o)
	op.Call = &messages.Operation_AnswerCallback{AnswerCallback: answer}
	g.addOperation(r, o, "/pressed", op)
}

// addOperation adds an operation to the record; suffix tells apart those of one command.
func (g *group) addOperation(r *storage.Group, o *messages.Origin, suffix string, op *messages.Operation) {
	op.Place, op.Id = r.GroupID, r.GroupID+"/"+o.GetCommandId()+suffix
	body, err := proto.Marshal(op)
	if err != nil {
		g.Log.Error("a command gets no answer: it can't be encoded", "command", o.GetCommandId(), "error", err)
		return
	}
	r.Pending = append(r.Pending, storage.Pending{ID: op.Id, Kind: desk.PendingOperation, Body: body})
}

// onMigrate: the group has a new Telegram id; the internal one stays.
func (g *group) onMigrate(m *messages.MigrateGroup) (proto.Message, error) {
	if g.record != nil && g.record.TelegramGroupID == m.NewChatId || m.NewChatId == 0 {
		return entity.Duplicate(), nil
	}
	err := g.change("", func(r *storage.Group) {
		r.FormerIDs = append(r.FormerIDs, r.TelegramGroupID)
		r.TelegramGroupID, r.Type = m.NewChatId, "supergroup"
	})
	if err != nil {
		return nil, err
	}
	return entity.OK(), nil
}

// onMemberChanged keeps what is known of the members and the administrators in step with Telegram's updates.
func (g *group) onMemberChanged(m *messages.MemberChanged) (proto.Message, error) {
	g.members.Put(m.UserId, membership{m.IsMember, g.Now()})
	if g.admins != nil {
		if m.IsAdmin {
			g.admins[m.UserId] = true
		} else {
			delete(g.admins, m.UserId)
		}
		return entity.OK(), g.noteAdmins()
	}
	// Telegram was not asked since the group is in memory.
	if g.record == nil || len(g.record.Admins) == 0 || slices.Contains(g.record.Admins, m.UserId) == m.IsAdmin {
		return entity.OK(), nil
	}
	admins := slices.DeleteFunc(slices.Clone(g.record.Admins), func(id ids.UserID) bool { return id == m.UserId })
	if m.IsAdmin {
		admins = append(admins, m.UserId)
		slices.Sort(admins)
	}
	return entity.OK(), g.change("", func(r *storage.Group) { r.Admins = admins })
}
