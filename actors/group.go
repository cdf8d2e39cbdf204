package actors

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
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
	tries   map[string]int64 // attempts of an owed operation that is tried again
	asked   int64            // number of the newest question to Telegram
	reoffer bool

	members *recent[int64, memberWord]        // by user id: who belongs to the group (group_member.go)
	checks  map[int64][]*messages.CheckMember // by user id: who waits for Telegram's word
	again   map[int64][]*messages.CheckMember // by user id: who wants a newer one
}

const (
	// adminsKeep is how long Telegram's word on who administers a group is kept.
	adminsKeep     = 5 * time.Minute
	handledByGroup = 100
)

func newGroup(h *host) entity { return &group{host: h} }

func (g *group) load() error {
	g.offered, g.tries, g.reoffer, g.waiting = map[string]*messages.Operation{}, map[string]int64{}, false, nil
	g.admins, g.fresh = nil, time.Time{}
	g.members = newRecent[int64, memberWord](membersKept)
	g.checks, g.again = map[int64][]*messages.CheckMember{}, map[int64][]*messages.CheckMember{}
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
	case *messages.RegisterGroup:
		return g.onRegister(m)
	case *messages.SetGroupLanguage:
		return g.onLanguage(m)
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
	case *messages.SetPublic:
		return g.putOff(m, nil)
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
	default:
		return answered(messages.Code_CONFLICT, "a group does not understand "+typeName(m)), nil
	}
}

// change writes the record with a change; a command's id is remembered with it.
func (g *group) change(commandID string, f func(*storage.Group)) error {
	now := g.now().UTC().Truncate(time.Millisecond)
	var next storage.Group
	if g.record == nil {
		chatID, _ := strconv.ParseInt(strings.TrimPrefix(g.key.identity, "g"), 10, 64)
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
	out := m.Facts.BotStatus == "left" || m.Facts.BotStatus == "kicked"
	wasIn := g.record != nil && g.record.BotStatus != "" && g.record.BotStatus != "left" && g.record.BotStatus != "kicked"
	missing := g.record == nil || g.missing(g.record)
	err := g.change(m.Origin.CommandId, func(r *storage.Group) {
		setFacts(r, m.Facts)
		if out {
			return
		}
		r.SupportTopicsEnabled = true
		// Told when the bot comes in, and again when what was missing is mended.
		if !wasIn || missing && !g.missing(r) {
			g.owe(r, m.Origin, g.standing(r, messages.NoticeGroupRegistered))
		}
	})
	if err != nil {
		return nil, err
	}
	g.follow()
	return ok(), nil
}

func (g *group) missing(r *storage.Group) bool { return !r.IsForum || !r.CanManageTopics }

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

// standing is the word on what the group can do: registered, or what is missing.
func (g *group) standing(r *storage.Group, fine string) string {
	switch {
	case !r.IsForum:
		return messages.NoticeGroupNeedsTopics
	case !r.CanManageTopics:
		return messages.NoticeGroupNeedsRights
	}
	return fine
}

// onRegister waits for Telegram's word: is this an administrator, and what may the bot do here?
func (g *group) onRegister(m *messages.RegisterGroup) (proto.Message, error) {
	return g.putOff(m, func(r *storage.Group) {
		if r.Title == "" {
			r.Title, r.Type, r.IsForum = m.Title, m.Type, m.IsForum
		}
	})
}

func (g *group) onLanguage(m *messages.SetGroupLanguage) (proto.Message, error) {
	return g.putOff(m, nil)
}

// putOff records a command as pending; decide carries it out once Telegram has said who administers the group.
func (g *group) putOff(m command, also func(*storage.Group)) (proto.Message, error) {
	o := m.GetOrigin()
	if g.handled(o) {
		return duplicate(), nil
	}
	if g.record != nil && len(g.record.Pending) >= owedAnswersLimit {
		// Somebody floods the group with commands: answering them all would keep copies waiting for hours.
		g.system.metrics.unanswered.Inc()
		g.log.Warn("a command gets no answer: too many wait already", "command", o.GetCommandId())
		return ok(), nil
	}
	body, err := pack(m)
	if err != nil {
		return nil, err
	}
	err = g.change(o.CommandId, func(r *storage.Group) {
		if also != nil {
			also(r)
		}
		r.Pending = append(r.Pending, storage.Owed{ID: o.CommandId, Kind: owedCommand, Body: body})
	})
	if err != nil {
		return nil, err
	}
	g.follow()
	return ok(), nil
}

// decideAll carries out the commands for which everything is known, or tells that Telegram could not be asked.
func (g *group) decideAll(failure string) error {
	if g.record == nil || g.isAsking(messages.GroupQuestion_CHAT, 0) || g.isAsking(messages.GroupQuestion_ADMINS, 0) {
		return nil
	}
	for _, owed := range slices.Clone(g.record.Pending) {
		if owed.Kind != owedCommand {
			continue
		}
		m, err := unpack(owed.Body)
		if err != nil {
			g.log.Error("a pending command can't be read", "command", owed.ID, "error", err)
			continue
		}
		if failure == "" && !g.known() {
			g.askAdmins()
			return nil
		}
		if err := g.decide(owed.ID, m.(command), failure); err != nil {
			return err
		}
	}
	g.follow()
	return nil
}

func (g *group) decide(id string, m command, failure string) error {
	o := m.GetOrigin()
	allowed := o.GroupAdmin || g.admins[o.GetFrom().GetId()]
	return g.change("", func(r *storage.Group) {
		r.Pending = slices.DeleteFunc(r.Pending, func(x storage.Owed) bool { return x.ID == id && x.Kind == owedCommand })
		switch m := m.(type) {
		case *messages.RegisterGroup:
			switch {
			case failure != "":
				g.oweArgs(r, o, messages.NoticeCannotAsk, map[string]string{"why": failure})
			case !allowed:
				g.owe(r, o, messages.NoticeGroupOnlyAdmins)
			case r.SupportTopicsEnabled:
				g.owe(r, o, g.standing(r, messages.NoticeGroupAlready))
			default:
				r.SupportTopicsEnabled = true
				g.owe(r, o, g.standing(r, messages.NoticeGroupRegistered))
			}
		case *messages.SetGroupLanguage:
			switch {
			case failure != "":
				g.oweArgs(r, o, messages.NoticeCannotAsk, map[string]string{"why": failure})
			case !allowed:
				g.owe(r, o, messages.NoticeLangNotAllowed)
			default:
				r.Language = m.Lang
				g.oweArgs(r, o, messages.NoticeLangSet, map[string]string{"lang": m.Lang})
			}
		case *messages.SetPublic:
			switch {
			case failure != "":
				g.oweArgs(r, o, messages.NoticeCannotAsk, map[string]string{"why": failure})
			case !allowed:
				g.owe(r, o, messages.NoticePublicNotAllowed)
			default:
				if r.Public = m.Wanted == "on" || m.Wanted != "off" && !r.Public; r.Public {
					g.owe(r, o, messages.NoticePublicOn)
				} else {
					g.owe(r, o, messages.NoticePublicOff)
				}
			}
		}
	})
}

func (g *group) owe(r *storage.Group, o *messages.Origin, key string) {
	g.oweArgs(r, o, key, map[string]string{"title": r.Title})
}

// oweArgs adds a notice in the place that the command came from.
func (g *group) oweArgs(r *storage.Group, o *messages.Origin, key string, args map[string]string) {
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
