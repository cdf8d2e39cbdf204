package bot

import (
	"strconv"

	"github.com/topicdesk/topicdesk/messages"
)

// UTF-16 units that go with a reply of what it answers.
const (
	previewUnits = 100 // of a text, from its beginning
	quoteUnits   = maxPreview
)

// Kinds of what is answered that are no kinds of messages.
const originChat = "chat" // of a MessageOrigin

// wireQuote is the part of a message that is answered.
type wireQuote struct {
	Text     string       `json:"text"`
	Entities []wireEntity `json:"entities"`
	Position int32        `json:"position"`
	IsManual bool         `json:"is_manual"`
}

// wireExternal is an answered message in another chat or topic.
type wireExternal struct {
	Origin    *wireOrigin `json:"origin"`
	Chat      *wireChat   `json:"chat"`
	MessageID int64       `json:"message_id"`
	wireMedia
}

// reply returns what the message answers, nil for nothing.
func (w *wireMessage) reply(m *Message) *Reply {
	var r *Reply
	to := w.ReplyTo
	if to != nil && to.ID <= 0 {
		to = nil
	}
	// In a topic of a group, Telegram shows every message that answers nothing as an answer to the first service message.
	beginning := to != nil &&
		(to.TopicCreated != nil || !m.Chat.Private() && m.ThreadID != 0 && to.ID == m.ThreadID)
	switch {
	case to != nil && !beginning:
		r = to.reply(m.Chat.ID)
		r.Item = w.item(&to.wireMedia)
	case w.ExternalReply != nil:
		r = w.ExternalReply.reply()
		r.Item = w.item(&w.ExternalReply.wireMedia)
	case w.ReplyToStory != nil:
		r = w.ReplyToStory.reply()
	case w.Quote != nil:
		r = &Reply{}
	}
	w.Quote.into(r)
	if beginning && to.TopicCreated != nil {
		if r == nil {
			r = &Reply{ChatID: m.Chat.ID}
		}
		r.TopicCreated, r.HasIcon, r.TopicMessage = &to.TopicCreated.Name, to.TopicCreated.Icon != nil, to.ID
		r.TopicFromID = to.From.person().GetId()
	}
	return r
}

// reply returns the reply to a message in the same topic.
func (w *wireReplied) reply(chatID int64) *Reply {
	from := w.From.person()
	r := &Reply{ChatID: chatID, MessageID: w.ID, From: from, AsChat: w.SenderChat != nil}
	switch {
	case w.Text != "":
		r.Text, r.Entities = w.Text, entities(w.Entities, w.Text)
	case w.Caption != "":
		r.Text, r.Entities = w.Caption, entities(w.CaptionEntities, w.Caption)
	}
	r.Media, r.Forward, r.Protected = w.wireMedia.media(), w.ForwardOrigin.forward(), w.Protected
	if w.RichMessage.here && r.Text == "" {
		if rich := readRich(w.RichMessage.value, langOf(from)); rich.says() {
			r.Text, r.Entities, r.Media = rich.text, rich.entities, rich.media
		}
	}
	if r.Preview, r.PreviewEntities = messages.Excerpt(r.Text, r.Entities, previewUnits); r.Preview == "" {
		r.Preview, _ = messages.Excerpt(messages.WordsOf(r.Media), nil, previewUnits)
	}
	return r
}

// reply returns the reply to a message in another chat or topic. Its text is only known as far as it is quoted.
func (w *wireExternal) reply() *Reply {
	r := &Reply{MessageID: w.MessageID, Media: w.wireMedia.media(), Origin: w.Origin.forward()}
	r.Preview, _ = messages.Excerpt(messages.WordsOf(r.Media), nil, previewUnits)
	if w.Chat != nil {
		r.ChatID = w.Chat.ID
		if r.Origin.GetName() == "" {
			r.Origin = &messages.Forward{Kind: originChat, Id: w.Chat.ID, Name: w.Chat.name(), Username: w.Chat.Username}
		}
		if w.Chat.Username != "" && w.MessageID > 0 {
			r.URL = userURL(w.Chat.Username) + "/" + strconv.FormatInt(w.MessageID, 10)
		}
	}
	if r.URL == "" && r.Origin != nil {
		r.URL = originURL(r.Origin)
	}
	return r
}

// reply returns the reply to a story.
func (w *wireStory) reply() *Reply {
	r := &Reply{Media: &messages.Media{Kind: messages.MediaStory}}
	if c := w.Chat; c != nil && c.ID != 0 {
		r.Origin = &messages.Forward{Kind: originChat, Id: c.ID, Name: c.name(), Username: c.Username}
		if r.URL = userURL(c.Username); r.URL != "" && w.ID > 0 {
			r.URL += "/s/" + strconv.FormatInt(w.ID, 10)
		}
	}
	return r
}

// item returns the words of the task or the option that is answered, "" when the whole message is, or when Telegram
// does not show them.
func (w *wireMessage) item(of *wireMedia) string {
	text := ""
	for _, task := range of.Checklist.value.Tasks {
		if w.ChecklistTask != 0 && task.ID == w.ChecklistTask {
			text = messages.Marked{Text: task.Text, Entities: entities(task.Entities, task.Text)}.Shown()
		}
	}
	for _, option := range of.Poll.value.Options {
		if w.PollOption != "" && option.ID == w.PollOption {
			text = option.Text
		}
	}
	text, _ = messages.Excerpt(text, nil, quoteUnits)
	return text
}

// into adds the quote to a reply. One that Telegram made itself is only a preview: it tells what is answered where the
// message itself is not shown.
func (q *wireQuote) into(r *Reply) {
	if q == nil || r == nil {
		return
	}
	marked := entities(q.Entities, q.Text)
	if q.IsManual {
		r.Quote, r.QuoteEntities, r.QuotePosition = q.Text, marked, q.Position
	}
	if q.IsManual || r.Text == "" {
		if preview, kept := messages.Excerpt(q.Text, marked, quoteUnits); preview != "" {
			r.Preview, r.PreviewEntities = preview, kept
		}
	}
}

// wireLinkPreview is Telegram's LinkPreviewOptions.
type wireLinkPreview struct {
	IsDisabled bool   `json:"is_disabled"`
	URL        string `json:"url"`
	Small      bool   `json:"prefer_small_media"`
	Large      bool   `json:"prefer_large_media"`
	Above      bool   `json:"show_above_text"`
}

func (w *wireLinkPreview) options() *messages.LinkPreview {
	if w == nil || *w == (wireLinkPreview{}) {
		return nil
	}
	return &messages.LinkPreview{IsDisabled: w.IsDisabled, Url: w.URL, PreferSmallMedia: w.Small,
		PreferLargeMedia: w.Large, ShowAboveText: w.Above}
}
