package ticket

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// mentionPage is how many internal users one page of the keyboard shows.
const mentionPage = 8

// mentionableRead is how many internal users are looked at for those who can be mentioned.
const mentionableRead = 1000

// mentioning creates a linked topic in the default group of an internal user, or says why it can't.
func (t *ticket) mentioning(m *messages.Mention) (effect, error) {
	o := m.Origin
	notice := func(key string, args map[string]string) effect { return answer(o, key, args) }
	if t.record.Status == desk.StatusClosed {
		return notice(messages.NoticeTicketIsClosed,
			map[string]string{"ticket": t.nameFor(m.Origin), "command": slash(messages.VerbMention)}), nil
	}
	if m.Username == "" && m.UserId == 0 {
		return t.choosing(o)
	}
	user, given, err := t.findUser(m)
	if err != nil {
		return nil, err
	}
	if user == nil {
		if offer, err := t.offering(m, given); offer != nil || err != nil {
			return offer, err
		}
		name, err := t.knownByName(m, given)
		if err != nil {
			return nil, err
		}
		if name != "" {
			return notice(messages.NoticeMentionNoGroup, map[string]string{"name": name}), nil
		}
		return notice(messages.NoticeMentionUnknown, map[string]string{"given": given}), nil
	}
	name := desk.UserName(user)
	if user.IsBot {
		return notice(messages.NoticeMentionBot, map[string]string{"name": name}), nil
	}
	if user.DefaultGroupID == "" {
		return notice(messages.NoticeMentionNoGroup, map[string]string{"name": name}), nil
	}
	group, err := t.Store.Group(t.Ctx, user.DefaultGroupID)
	if errors.Is(err, storage.ErrNotFound) {
		return notice(messages.NoticeMentionBotOut, map[string]string{"name": name, "group": user.DefaultGroupID}), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a group: %w", err)
	}
	args := map[string]string{"name": name, "group": group.Title}
	if link := t.linkWith(user.TelegramID); link != nil {
		args["url"] = messages.TopicURL(group.TelegramGroupID, link.Topic.TelegramTopicID)
		return notice(messages.NoticeMentionAlready, args), nil
	}
	if group.GroupID == t.record.GroupID {
		return notice(messages.NoticeMentionHome, args), nil
	}
	if missing, ok := mentionMissing[desk.TopicsIn(group)]; ok {
		return notice(missing, args), nil
	}
	return func(r *desk.Result) {
		topic := storage.Topic{GroupID: group.GroupID, Name: messages.TopicName(r.Title, r.Number)}
		link := t.newLink(r.Ticket, o, topic)
		link.UserID, link.UserName = user.TelegramID, name
		t.cause(r.Ticket, messages.EventUserMentioned, o.CommandId, t.now(), creatorOf(o), &view.UserMentionedData{
			User: view.LinkUser{UserID: user.TelegramID, Name: name}, Topic: t.topicRef(&link.Topic)})
		awaitTopic(r.Ticket, link.LinkID, o)
		dropKeyboard(r, o)
		desk.Acknowledge(r, o)
	}, nil
}

// newLink adds a link to the record. It copies the messages that come after this moment.
func (t *ticket) newLink(r *storage.Ticket, o *messages.Origin, topic storage.Topic) *storage.Link {
	id := r.TicketID + ":" + strconv.Itoa(len(r.Links)+1)
	topic.TopicID = id
	r.Links = append(r.Links, storage.Link{
		LinkID: id, Topic: topic, By: desk.CreatorOf(o), CreatedAt: t.now(),
		BeginSequence: t.sequence, SettledSequence: t.sequence,
	})
	r.LinksRevision++
	r.CardRevision++
	r.UpdatedAt = t.now()
	t.finished[id] = t.sequence
	return &r.Links[len(r.Links)-1]
}

// mentionMissing are the notices why no topic can be created in the default group of a mentioned user.
var mentionMissing = map[messages.Standing]string{
	messages.Standing_BOT_OUT:   messages.NoticeMentionBotOut,
	messages.Standing_NO_TOPICS: messages.NoticeMentionNoTopics,
	messages.Standing_NO_RIGHTS: messages.NoticeMentionNoRights,
}

// findUser finds the user who is mentioned; nil if there is none. given is what was typed.
func (t *ticket) findUser(m *messages.Mention) (user *storage.User, given string, err error) {
	if m.UserId != 0 {
		given = cmp.Or(messages.CleanLine(m.Name), strconv.FormatInt(m.UserId, 10))
		user, err = t.Store.User(t.Ctx, m.UserId)
	} else {
		given = "@" + strings.TrimPrefix(m.Username, "@")
		user, err = t.Store.UserByUsername(t.Ctx, strings.TrimPrefix(m.Username, "@"))
	}
	if errors.Is(err, storage.ErrNotFound) {
		return nil, given, nil
	}
	if err != nil {
		return nil, given, fmt.Errorf("read a user: %w", err)
	}
	return user, given, nil
}

func (t *ticket) linkWith(userID ids.UserID) *storage.Link {
	for i := range t.record.Links {
		if link := &t.record.Links[i]; !link.Ended && link.UserID == userID {
			return link
		}
	}
	return nil
}

// choosing shows the keyboard of internal users.
func (t *ticket) choosing(o *messages.Origin) (effect, error) {
	keyboard, err := t.mentionKeyboard(o, 0)
	if err != nil {
		return nil, err
	}
	if keyboard == nil {
		return answer(o, messages.NoticeMentionNobody, nil), nil
	}
	return func(r *desk.Result) { desk.RespondKeyboard(r, o, messages.NoticeMentionChoose, nil, keyboard) }, nil
}

// turningPage shows another page of the keyboard.
func (t *ticket) turningPage(m *messages.ShowMentionPage) (effect, error) {
	o := m.Origin
	keyboard, err := t.mentionKeyboard(o, int(m.Page))
	if err != nil {
		return nil, err
	}
	return func(r *desk.Result) {
		if keyboard == nil {
			desk.Respond(r, o, messages.NoticeButtonStale, nil)
			return
		}
		op := desk.OperationTo(o)
		op.Call = &messages.Operation_EditKeyboard{EditKeyboard: &messages.EditKeyboardCall{
			MessageId: o.CallbackMessageId, Keyboard: keyboard}}
		desk.AddPending(r.Ticket, o.CommandId, op, 0)
		desk.Acknowledge(r, o)
	}, nil
}

// mentionKeyboard is one page of the internal users whom somebody can mention here, each with the title of their group;
// nil if the page is empty.
func (t *ticket) mentionKeyboard(o *messages.Origin, page int) (*messages.Keyboard, error) {
	users, err := t.mentionable(o)
	if err != nil {
		return nil, err
	}
	total := len(users)
	if page < 0 || page*mentionPage >= total {
		return nil, nil
	}
	users = users[page*mentionPage : min(total, (page+1)*mentionPage)]
	k := &messages.Keyboard{}
	for i := range users {
		row, err := t.mentionButton(&users[i])
		if err != nil {
			return nil, err
		}
		k.Rows = append(k.Rows, row)
	}
	turn := &messages.KeyboardRow{}
	data := func(p int) string {
		return strings.Join([]string{messages.CallbackMentionPage, t.record.TicketID, strconv.Itoa(p)}, ":")
	}
	if page > 0 {
		turn.Buttons = append(turn.Buttons, &messages.Button{Key: messages.ButtonBack, Data: data(page - 1)})
	}
	if (page+1)*mentionPage < total {
		turn.Buttons = append(turn.Buttons, &messages.Button{Key: messages.ButtonNext, Data: data(page + 1)})
	}
	if len(turn.Buttons) > 0 {
		k.Rows = append(k.Rows, turn)
	}
	return k, nil
}

// mentionable lists the internal users whom somebody can mention here: not themselves, and nobody whose default group has
// the ticket already.
func (t *ticket) mentionable(o *messages.Origin) ([]storage.User, error) {
	users, _, err := t.Store.InternalUsers(t.Ctx, 0, mentionableRead)
	if err != nil {
		return nil, fmt.Errorf("read internal users: %w", err)
	}
	return slices.DeleteFunc(users, func(u storage.User) bool {
		return u.TelegramID == o.GetFrom().GetId() || u.DefaultGroupID == t.record.GroupID
	}), nil
}

// mentionButton is the button that mentions a user.
func (t *ticket) mentionButton(user *storage.User) (*messages.KeyboardRow, error) {
	return t.personButton(messages.CallbackMentionUser, user)
}

// personButton is a button that names a user, with the title of their group.
func (t *ticket) personButton(callback string, user *storage.User) (*messages.KeyboardRow, error) {
	title, err := desk.GroupTitle(t.Ctx, t.Store, user.DefaultGroupID)
	if err != nil {
		return nil, err
	}
	id := strconv.FormatInt(user.TelegramID, 10)
	return &messages.KeyboardRow{Buttons: []*messages.Button{{
		Text: messages.Shorten(desk.UserName(user), 40) + " · " + messages.Shorten(title, 40),
		Data: strings.Join([]string{callback, t.record.TicketID, id}, ":"),
	}}}, nil
}

// linking links an existing topic to the ticket.
func (t *ticket) linking(m *messages.LinkTopic) (effect, error) {
	o := m.Origin
	notice := func(key string, args map[string]string) (effect, error) { return answer(o, key, args), nil }
	if m.CurrentTicketId == t.record.TicketID || t.topicAt(o.Place, o.ThreadId) != nil {
		return notice(messages.NoticeLinkAlready, nil)
	}
	if m.CurrentTicketId != "" {
		other, err := t.Store.Ticket(t.Ctx, m.CurrentTicketId)
		if err != nil {
			return nil, fmt.Errorf("read the other ticket: %w", err)
		}
		return notice(messages.NoticeLinkOther, map[string]string{"ticket": desk.NameOf(other)})
	}
	if t.record.Status == desk.StatusClosed {
		return notice(messages.NoticeTicketIsClosed,
			map[string]string{"ticket": desk.NameOf(t.record), "command": slash(messages.VerbLink)})
	}
	if o.ThreadId == 0 {
		return notice(messages.NoticeLinkNeedsTopic, nil)
	}
	group, err := t.Store.Group(t.Ctx, o.Place)
	if errors.Is(err, storage.ErrNotFound) || err == nil && desk.TicketsIn(group) == messages.Standing_UNREGISTERED {
		return notice(messages.NoticeGroupUnregistered, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("read a group: %w", err)
	}
	home, err := t.Store.Group(t.Ctx, t.record.GroupID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("read a group: %w", err)
	}
	if home != nil && desk.IsOut(home) {
		return notice(messages.NoticeLinkBotOut, map[string]string{"ticket": desk.NameOf(t.record), "group": home.Title})
	}
	sides, left := t.sidesOf(home, group, o.ThreadId), t.leftBy(o)
	return func(r *desk.Result) {
		link := t.newLink(r.Ticket, o, storage.Topic{
			GroupID: o.Place, TelegramTopicID: o.ThreadId,
			Adopted: true, Introduced: true, NamedByHand: true, Unsure: true, Unproven: desk.IsAPI(o),
		})
		link.Since = messages.MessageKey(o.ChatId, o.MessageId)
		if left != nil && isPerson(link.By, left.UserID) { // they are on the ticket again as they were
			link.UserID, link.UserName = left.UserID, left.UserName
		}
		if link.Topic.Unproven {
			return // nobody hears of it until Telegram has shown that there is such a topic
		}
		t.joined(r, o, link, sides)
	}, nil
}
