package bot

import (
	"errors"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// Methods of the Bot API that the client calls itself, not through the library (see Client for the reasons).
const (
	methodSendMessage   = "sendMessage"
	methodSendRich      = "sendRichMessage"
	methodEditText      = "editMessageText"
	methodEditMarkup    = "editMessageReplyMarkup"
	methodGetChat       = "getChat"
	methodGetChatMember = "getChatMember"
	methodGetUpdates    = "getUpdates"
	methodEditTopic     = "editForumTopic"
	methodIconStickers  = "getForumTopicIconStickers"
)

// outgoing is the body of a method that sends or edits a message, with what the client needs beside it.
type outgoing struct {
	ChatID      int64                      `json:"chat_id"`
	ThreadID    int64                      `json:"message_thread_id,omitempty"`
	MessageID   int64                      `json:"message_id,omitempty"` // of the message to edit
	Text        string                     `json:"text,omitempty"`
	Entities    []Entity                   `json:"entities,omitempty"`
	Rich        *inputRich                 `json:"rich_message,omitempty"`
	LinkPreview *models.LinkPreviewOptions `json:"link_preview_options,omitempty"`
	Reply       *models.ReplyParameters    `json:"reply_parameters,omitempty"`
	Markup      any                        `json:"reply_markup,omitempty"`
	Effect      string                     `json:"message_effect_id,omitempty"`
	Silent      bool                       `json:"disable_notification,omitempty"`
	*mediaFields

	replacing *albumPart // the new medium, for editMessageMedia
	plain     Rich       // what goes instead of a rich message that Telegram refuses

	plainPreview *models.LinkPreviewOptions // of plain
	method       string
	spans        []*messages.Span // of merged copies
	upload       *messages.Media  // whose file must be uploaded; nil: none
	original     string           // id of the message that upload belongs to; "": of none
}

var (
	errNoMessage = errors.New("an operation of this kind neither sends nor edits a message")
	errNoPart    = errors.New("the text has no such part") // it has become shorter, or the caller did not use Parts
)

// render makes the message of an operation that sends or edits one; for any other operation it returns errNoMessage.
func render(chatID int64, lang string, op *messages.Operation) (*outgoing, error) {
	m := &outgoing{ChatID: chatID, ThreadID: threadOf(op), method: methodSendMessage}
	switch call := op.GetCall().(type) {
	case *messages.Operation_SendCopy:
		if !hasPart(call.SendCopy) {
			return nil, errNoPart
		}
		m.setCopy(lang, call.SendCopy)
		m.Silent = silent(call.SendCopy)
		m.original = op.GetRef().GetCopyPart().GetMessageId()
	case *messages.Operation_SendAlbum:
		m.setAlbum(lang, call.SendAlbum.GetParts())
		m.Silent = silent(call.SendAlbum.GetParts()...)
	case *messages.Operation_SendMerged:
		var text Rich
		text, m.spans = renderMerged(lang, call.SendMerged.GetCopies())
		m.setText(text)
		m.Silent = silent(call.SendMerged.GetCopies()...)
		m.LinkPreview = mergedPreviewOptions(call.SendMerged.GetCopies())
	case *messages.Operation_EditMerged:
		m.edits(methodEditText, call.EditMerged.GetMessageId())
		var text Rich
		text, m.spans = renderMergedEdit(lang, call.EditMerged)
		m.setText(text)
		m.LinkPreview = mergedPreviewOptions(call.EditMerged.GetCopies())
	case *messages.Operation_EditCopy:
		if !hasPart(call.EditCopy.GetCopy()) {
			return nil, errNoPart
		}
		if err := m.setEdit(lang, call.EditCopy); err != nil {
			return nil, err
		}
	case *messages.Operation_SendCard:
		m.setText(renderCard(lang, call.SendCard))
		m.Markup = markupOf(cardKeyboard(lang, call.SendCard.GetTicket()))
		m.Reply = replyTo(call.SendCard.GetReplyTo(), "")
		m.LinkPreview = noPreview
	case *messages.Operation_EditCard:
		m.edits(methodEditText, call.EditCard.GetMessageId())
		m.setText(renderCard(lang, call.EditCard))
		m.Markup = inlineKeyboard{cardKeyboard(lang, call.EditCard.GetTicket())}
		m.LinkPreview = noPreview
	case *messages.Operation_SendContext:
		m.setText(renderContext(lang, call.SendContext.GetLines()))
		m.LinkPreview = noPreview
	case *messages.Operation_EditContext:
		m.edits(methodEditText, call.EditContext.GetMessageId())
		m.setText(renderEditedContext(lang, call.EditContext.GetLines()))
		m.LinkPreview = noPreview
	case *messages.Operation_SendNotice:
		m.setText(renderNotice(lang, call.SendNotice))
		m.Reply = replyTo(call.SendNotice.GetReplyTo(), "")
		m.Markup, m.Silent = noticeMarkup(lang, call.SendNotice), call.SendNotice.GetSilent()
		m.LinkPreview = noPreview
	case *messages.Operation_EditNotice:
		m.edits(methodEditText, call.EditNotice.GetMessageId())
		m.setText(renderNotice(lang, call.EditNotice.GetNotice()))
		m.Markup = inlineKeyboard{buttonRows(lang, call.EditNotice.GetNotice().GetKeyboard())}
		m.LinkPreview = noPreview
	case *messages.Operation_EditKeyboard:
		m.edits(methodEditMarkup, call.EditKeyboard.GetMessageId())
		m.Markup = inlineKeyboard{buttonRows(lang, call.EditKeyboard.GetKeyboard())}
	default:
		return nil, errNoMessage
	}
	return m, nil
}

// threadOf returns the message_thread_id to send: none for the general topic, which Telegram shows as 1 but refuses
// as 1.
func threadOf(op *messages.Operation) int64 {
	if id := op.GetThreadId(); id > 1 {
		return id
	}
	return 0
}

// hasPart says whether the part of a copy that a call asks for exists.
func hasPart(c *messages.SendCopyCall) bool {
	part := int(c.GetPart())
	return part == 0 || part > 0 && part < parts(c)
}

func (m *outgoing) setText(r Rich) {
	m.Text, m.Entities = r.Text, r.Entities
}

// setCopy renders the part of a copy that the call asks for.
func (m *outgoing) setCopy(lang string, c *messages.SendCopyCall) {
	media := c.GetContent().GetMedia()
	if m.ChatID > 0 && int(c.GetPart()) == mainPart(c) { // groups have no effects
		m.Effect = c.GetContent().GetEffectId()
	}
	switch shape := messages.ShapeOf(c.GetContent()); {
	case shape == messages.ShapeLabelled && (c.GetPart() == 1 || c.GetBare()):
		m.setMedia(media)
		d := descriptionOf(lang, media.GetPoll())
		m.Description, m.DescriptionEntities = d.Text, sendable(d.Text, d.Entities)
	case shape == messages.ShapeCaptioned && c.GetPart() == 0:
		m.setMedia(media)
		r := renderCopy(lang, c)
		m.Caption, m.CaptionEntities = r.Text, r.Entities
	default:
		m.setSaid(lang, c)
	}
	if c.GetPart() == 0 {
		m.Reply = quoting(c)
	} else {
		m.Reply = replyTo(c.GetAfter(), "")
	}
}

// mainPart returns which part of a copy stands for the original: the medium, where a text with the sender's name comes
// before it.
func mainPart(c *messages.SendCopyCall) int {
	if messages.ShapeOf(c.GetContent()) == messages.ShapeLabelled && !c.GetBare() {
		return 1
	}
	return 0
}

// dropEffect removes the animation, and says whether there was one.
func (m *outgoing) dropEffect() bool {
	had := m.Effect != ""
	m.Effect = ""
	return had
}

// dropMarkup removes the markup, and says whether there was any.
func (m *outgoing) dropMarkup() bool {
	had := len(m.Entities) > 0
	m.Entities = nil
	if m.replacing != nil {
		had = had || len(m.replacing.CaptionEntities) > 0
		m.replacing.CaptionEntities = nil
	}
	if f := m.mediaFields; f != nil {
		had = had || len(f.CaptionEntities)+len(f.QuestionEntities) > 0
		f.CaptionEntities, f.QuestionEntities = nil, nil
		for i := range f.Album {
			had = had || len(f.Album[i].CaptionEntities) > 0
			f.Album[i].CaptionEntities = nil
		}
		for i := range f.Options {
			had = had || len(f.Options[i].Entities) > 0
			f.Options[i].Entities = nil
		}
	}
	return had
}

func (m *outgoing) edits(method string, messageID int64) {
	m.method, m.MessageID, m.ThreadID = method, messageID, 0
}

// maxQuote is the longest quote of a reply, in characters (Bot API, ReplyParameters).
const maxQuote = 1024

func replyTo(messageID int64, quote string) *models.ReplyParameters {
	if messageID <= 0 {
		return nil
	}
	return &models.ReplyParameters{
		MessageID:                int(messageID),
		AllowSendingWithoutReply: true,
		Quote:                    messages.CutUTF16(quote, maxQuote),
	}
}

// quoting returns the reply of a copy with its quote, which must equal the answered message's text, markup included.
func quoting(c *messages.SendCopyCall) *models.ReplyParameters {
	r := replyTo(c.GetReplyTo(), c.GetQuote())
	if r == nil || r.Quote == "" {
		return r
	}
	quoted := piece{to: len(r.Quote), toUnit: messages.UTF16Len(r.Quote)}
	for _, e := range clip(nil, r.Quote, c.GetQuoteEntities(), quoted, 0) {
		r.QuoteEntities = append(r.QuoteEntities, e.MessageEntity)
	}
	r.QuotePosition = int(c.GetQuotePosition())
	return r
}

var noPreview = func() *models.LinkPreviewOptions {
	yes := true
	return &models.LinkPreviewOptions{IsDisabled: &yes}
}()

// inlineKeyboard is the library's InlineKeyboardMarkup with buttons that omit empty fields.
type inlineKeyboard struct {
	Rows [][]button `json:"inline_keyboard"`
}

// button hides the library's copy_text, which the library would send empty with every button.
type button struct {
	models.InlineKeyboardButton
	CopyText *models.CopyTextButton `json:"copy_text,omitempty"`
}

const (
	maxButtonText   = 64 // UTF-16 units; Telegram documents no limit, but a phone does not show more
	maxCallbackData = 64 // bytes
)

// buttonRows renders a keyboard. It leaves out buttons for which Telegram would refuse the whole message.
func buttonRows(lang string, k *messages.Keyboard) [][]button {
	rows := make([][]button, 0, len(k.GetRows()))
	for _, row := range k.GetRows() {
		var out []button
		for _, b := range row.GetButtons() {
			text := b.GetText()
			if text == "" && b.GetKey() != "" {
				text = textWithin(lang, b.GetKey(), b.GetArgs(), maxButtonText).Text
			}
			if button, ok := newButton(text, b.GetData(), b.GetUrl()); ok {
				if b.GetMiniApp() {
					button.URL, button.WebApp = "", &models.WebAppInfo{URL: b.GetUrl()}
				}
				out = append(out, button)
			}
		}
		if len(out) > 0 {
			rows = append(rows, out)
		}
	}
	return rows
}

func newButton(text, data, url string) (button, bool) {
	text = messages.Shorten(oneLine(text), maxButtonText)
	if text == "" || data == "" && url == "" || len(data) > maxCallbackData {
		return button{}, false
	}
	if url != "" {
		data = ""
	}
	return button{InlineKeyboardButton: models.InlineKeyboardButton{Text: text, CallbackData: data, URL: url}}, true
}

// markupOf returns the reply_markup of a new message, nil when there are no buttons.
func markupOf(rows [][]button) any {
	if len(rows) == 0 {
		return nil
	}
	return inlineKeyboard{rows}
}
