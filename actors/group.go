package actors

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// group is the entity that owns one group: whether it is registered, what the bot may do in it, its language; and it knows,
// for a while, who administers it.
//
// Accepts  SetMembership, RegisterGroup, SetGroupLanguage, SetPublic, MigrateGroup, MemberChanged, CheckAdmin, CheckMember,
//
//	Done, Wake; of the API: ChangeGroup
//
// Replies  to the commands, one Reply each; to ChangeGroup a GroupRecord
// Emits    AdminChecked and MemberChecked to whoever asked, GroupChanged to its chat, Send to its chat
// Stops    after 10 idle minutes with nothing owed
type group struct {
	*host
	record  *storage.Group // nil: never heard of
	admins  map[int64]bool
	fresh   time.Time // when admins was asked
	waiting []*messages.CheckAdmin
	offered map[string]*messages.Operation
	tries   map[string]int64 // revision of an owed operation that is tried again
	asked   int64            // revision of the newest question to Telegram
	reoffer bool

	members *recent[int64, memberWord]         // by user id: who belongs to the group (group_member.go)
	checks  map[string][]*messages.CheckMember // by operation: who waits for its answer
	again   map[string][]*messages.CheckMember // by operation: who wants a newer one
}

const (
	// adminsKeep is how long Telegram's word on who administers a group is kept.
	adminsKeep     = 5 * time.Minute
	handledByGroup = 100

	opListAdmins = "/admins"
	opDescribe   = "/describe"
)

func newGroup(h *host) entity { return &group{host: h} }

func (g *group) load() error {
	g.offered, g.tries, g.reoffer, g.waiting = map[string]*messages.Operation{}, map[string]int64{}, false, nil
	g.admins, g.fresh = nil, time.Time{}
	g.members = newRecent[int64, memberWord](membersKept)
	g.checks, g.again = map[string][]*messages.CheckMember{}, map[string][]*messages.CheckMember{}
	record, err := g.store.Group(g.ctx, g.key.identity)
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

func (g *group) resume() error {
	g.follow()
	return nil
}

func (g *group) idle() bool {
	return len(g.waiting) == 0 && len(g.checks) == 0 && len(g.offered) == 0 && (g.record == nil || g.record.DueAt.IsZero())
}

func (g *group) receive(m any) (proto.Message, error) {
	switch m := m.(type) {
	case *messages.SetMembership:
		return g.onMembership(m)
	case *messages.MigrateGroup:
		return g.onMigrate(m)
	case *messages.MemberChanged:
		return g.onMemberChanged(m)
	case *messages.CheckAdmin:
		g.onCheckAdmin(m)
		return nil, nil
	case *messages.CheckMember:
		g.onCheckMember(m)
		return nil, nil
	case *messages.Done:
		return nil, g.onDone(m)
	case *messages.ChangeGroup:
		return g.onChange(m)
	case *messages.Wake:
		return ok(), nil
	case offerAgain:
		g.onOfferAgain()
		return nil, nil
	case *messages.QueueLost:
		for _, op := range g.offered {
			g.offer(op)
		}
		return nil, nil
	case command:
		return g.onCommand(m)
	default:
		return answered(messages.Code_CONFLICT, "a group does not understand "+typeName(m)), nil
	}
}

// change writes the record with a change; a command's id is remembered with it.
func (g *group) change(commandID string, f func(*storage.Group)) error {
	now := g.now().UTC().Truncate(time.Millisecond)
	var next storage.Group
	if g.record == nil {
		chatID, _ := messages.ChatIn(g.key.identity)
		next = storage.Group{GroupID: g.key.identity, TelegramGroupID: chatID, CreatedAt: now}
	} else {
		next = *g.record
		next.Pending, next.Handled = slices.Clone(next.Pending), slices.Clone(next.Handled)
		next.FormerIDs = slices.Clone(next.FormerIDs)
	}
	if commandID != "" {
		next.Handled = remember(next.Handled, commandID, handledByGroup)
	}
	f(&next)
	defer g.system.aliases.put(next.GroupID, next.TelegramGroupID)
	next.UpdatedAt, next.DueAt = now, time.Time{}
	if len(next.Pending) > 0 {
		next.DueAt = now.Add(owedFor)
	}
	err := g.store.SaveGroup(g.ctx, &next)
	if errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("%w: %w", storage.ErrConflict, err)
	}
	if err != nil {
		return fmt.Errorf("save the group: %w", err)
	}
	g.record = &next
	g.tell(KindChat, g.key.identity, &messages.GroupChanged{})
	return nil
}

func (g *group) handled(o *messages.Origin) bool {
	return g.record != nil && slices.Contains(g.record.Handled, o.GetCommandId())
}

// onMembership: the bot was added, promoted, restricted or removed.
func (g *group) onMembership(m *messages.SetMembership) (proto.Message, error) {
	if g.handled(m.Origin) {
		return duplicate(), nil
	}
	wasIn := g.record != nil && g.record.BotStatus != "" && !isOut(g.record)
	wasReady := g.record != nil && topicsIn(g.record) == messages.Standing_READY
	err := g.change(m.Origin.CommandId, func(r *storage.Group) {
		setFacts(r, m.Facts)
		if isOut(r) {
			return
		}
		r.SupportTopicsEnabled = true
		// Told when the bot comes in, and again when what was missing is mended.
		if !wasIn || !wasReady && topicsIn(r) == messages.Standing_READY {
			g.owe(r, m.Origin, g.standing(r, messages.NoticeGroupRegistered), map[string]string{"title": r.Title})
		}
	})
	if err != nil {
		return nil, err
	}
	g.follow()
	return ok(), nil
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
}

// standing is the word on what the group can do: what is missing, or that all is fine.
func (g *group) standing(r *storage.Group, fine string) string {
	return cmp.Or(topicsIn(r).Notice(), fine)
}

// owe adds a notice in the place that the command came from.
func (g *group) owe(r *storage.Group, o *messages.Origin, key string, args map[string]string) {
	op := operationTo(o)
	op.Place = r.GroupID
	op.Id = r.GroupID + "/" + o.GetCommandId()
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{Key: key, Args: args, ReplyTo: o.GetMessageId()}}
	body, err := proto.Marshal(op)
	if err != nil {
		return
	}
	r.Pending = append(r.Pending, storage.Owed{ID: op.Id, Kind: owedOperation, Body: body})
}

// onMigrate: the group has a new Telegram id; the internal one stays.
func (g *group) onMigrate(m *messages.MigrateGroup) (proto.Message, error) {
	if g.record != nil && g.record.TelegramGroupID == m.NewChatId || m.NewChatId == 0 {
		return duplicate(), nil
	}
	err := g.change("", func(r *storage.Group) {
		r.FormerIDs = append(r.FormerIDs, r.TelegramGroupID)
		r.TelegramGroupID, r.Type = m.NewChatId, "supergroup"
	})
	if err != nil {
		return nil, err
	}
	return ok(), nil
}

// onChange is the API's: whether tickets may be opened in the group, and its language.
func (g *group) onChange(m *messages.ChangeGroup) (proto.Message, error) {
	if g.record == nil {
		return &messages.GroupRecord{Code: messages.Code_NOT_FOUND}, nil
	}
	same := (m.Registered == nil || *m.Registered == g.record.SupportTopicsEnabled) && (m.Lang == nil || *m.Lang == g.record.Language)
	if same || g.handled(m.Origin) {
		return groupRecordOf(g.record), nil
	}
	err := g.change(m.Origin.CommandId, func(r *storage.Group) {
		if m.Registered != nil {
			r.SupportTopicsEnabled = *m.Registered
		}
		if m.Lang != nil {
			r.Language = *m.Lang
		}
	})
	if err != nil {
		return nil, err
	}
	return groupRecordOf(g.record), nil
}

// onMemberChanged keeps what is known of the members and the administrators in step with Telegram's updates.
func (g *group) onMemberChanged(m *messages.MemberChanged) (proto.Message, error) {
	g.members.put(m.UserId, memberWord{m.IsMember, g.now()})
	if g.admins != nil {
		if m.IsAdmin {
			g.admins[m.UserId] = true
		} else {
			delete(g.admins, m.UserId)
		}
	}
	return ok(), nil
}
