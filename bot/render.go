package bot

import (
	"errors"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// Methods of the Bot API that this package calls by itself, not through the library (client.go says why).
const (
	methodSendMessage   = "sendMessage"
	methodEditText      = "editMessageText"
	methodEditMarkup    = "editMessageReplyMarkup"
	methodGetChat       = "getChat"
	methodGetChatMember = "getChatMember"
	methodGetUpdates    = "getUpdates"
)

// outgoing is the body of sendMessage, of the methods that send media, of editMessageText or editMessageReplyMarkup.
type outgoing struct {
	ChatID      int64                      `json:"chat_id"`
	ThreadID    int64                      `json:"message_thread_id,omitempty"`
	MessageID   int64                      `json:"message_id,omitempty"` // the one to edit
	Text        string                     `json:"text,omitempty"`
	Entities    []Entity                   `json:"entities,omitempty"`
	LinkPreview *models.LinkPreviewOptions `json:"link_preview_options,omitempty"`
	Reply       *models.ReplyParameters    `json:"reply_parameters,omitempty"`
	Markup      any                        `json:"reply_markup,omitempty"`
	*mediaFields

	replacing *albumPart // by editMessageMedia
	method    string
	spans     []*messages.Span // of a joined message
	upload    *messages.Media  // whose file is to be brought along; nil: none
}

var (
	errNoMessage = errors.New("an operation of this kind is not a message")
	errNoPart    = errors.New("the text has no such part") // it has become shorter, or the caller did not ask Parts
)

// render words an operation that is a message, or the edit of one, for sending.
func render(chatID int64, lang string, op *messages.Operation) (*outgoing, error) {
	m := &outgoing{ChatID: chatID, ThreadID: threadOf(op), method: methodSendMessage}
	switch call := op.GetCall().(type) {
	case *messages.Operation_SendCopy:
		if part := int(call.SendCopy.GetPart()); part < 0 || part > 0 && part >= parts(call.SendCopy) {
			return nil, errNoPart
		}
		m.setCopy(lang, call.SendCopy)
	case *messages.Operation_SendAlbum:
		m.setAlbum(lang, call.SendAlbum.GetParts())
	case *messages.Operation_SendJoined:
		var text Rich
		text, m.spans = renderMerged(lang, call.SendJoined.GetCopies())
		m.setText(text)
	case *messages.Operation_EditJoined:
		m.edits(methodEditText, call.EditJoined.GetMessageId())
		var text Rich
		text, m.spans = renderMergedEdit(lang, call.EditJoined)
		m.setText(text)
	case *messages.Operation_EditCopy:
		if part := int(call.EditCopy.GetCopy().GetPart()); part < 0 || part > 0 && part >= parts(call.EditCopy.GetCopy()) {
			return nil, errNoPart
		}
		m.setEdit(lang, call.EditCopy)
	case *messages.Operation_SendCard:
		m.setText(renderCard(lang, call.SendCard.GetTicket(), call.SendCard.GetAskedBy()))
		m.Markup = markupOf(cardKeyboard(lang, call.SendCard.GetTicket()))
		m.Reply = replyTo(call.SendCard.GetReplyTo(), "")
		m.LinkPreview = noPreview
	case *messages.Operation_EditCard:
		m.edits(methodEditText, call.EditCard.GetMessageId())
		m.setText(renderCard(lang, call.EditCard.GetTicket(), call.EditCard.GetAskedBy()))
		m.Markup = inlineKeyboard{cardKeyboard(lang, call.EditCard.GetTicket())}
		m.LinkPreview = noPreview
	case *messages.Operation_SendContext:
		m.setText(renderContext(lang, call.SendContext.GetLines()))
		m.LinkPreview = noPreview
	case *messages.Operation_SendNotice:
		m.setText(renderNotice(lang, call.SendNotice))
		m.Reply = replyTo(call.SendNotice.GetReplyTo(), "")
		m.Markup = noticeMarkup(lang, call.SendNotice)
		m.LinkPreview = noPreview
	case *messages.Operation_EditKeyboard:
		m.edits(methodEditMarkup, call.EditKeyboard.GetMessageId())
		m.Markup = inlineKeyboard{buttonRows(lang, call.EditKeyboard.GetKeyboard())}
	default:
		return nil, errNoMessage
	}
	return m, nil
}

// threadOf is the message_thread_id to send: none for the general topic, which Telegram shows as 1 but does not take as 1.
func threadOf(op *messages.Operation) int64 {
	if id := op.GetThreadId(); id > 1 {
		return id
	}
	return 0
}

func (m *outgoing) setText(r Rich) {
	m.Text, m.Entities = r.Text, r.Entities
}

// setCopy words the part of a copy that the call asks for.
func (m *outgoing) setCopy(lang string, c *messages.SendCopyCall) {
	media := c.GetContent().GetMedia()
	switch shape := messages.ShapeOf(c.GetContent()); {
	case shape == messages.ShapeLabelled && (c.GetPart() == 1 || c.GetBare()):
		m.setMedia(media)
	case shape == messages.ShapeCaptioned && c.GetPart() == 0:
		m.setMedia(media)
		r := renderCopy(lang, c)
		m.Caption, m.CaptionEntities = r.Text, r.Entities
	default:
		m.setText(renderCopy(lang, c))
	}
	if c.GetPart() == 0 {
		m.Reply = quoting(c)
	} else {
		m.Reply = replyTo(c.GetAfter(), "")
	}
}

// dropMarkup takes the markup away, and says whether there was any.
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

// quoting is the reply of a copy, with the quote as it stands in the answered message: Telegram compares the markup too.
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

// inlineKeyboard is the library's InlineKeyboardMarkup with a button that leaves out what it does not have.
type inlineKeyboard struct {
	Rows [][]button `json:"inline_keyboard"`
}

// button hides the library's copy_text, which would be sent empty with every button.
type button struct {
	models.InlineKeyboardButton
	CopyText *models.CopyTextButton `json:"copy_text,omitempty"`
}

const (
	maxButtonText   = 64 // Telegram documents no limit; more is not readable on a phone
	maxCallbackData = 64 // bytes
)

// buttonRows words a keyboard. A button that Telegram would refuse, and with it the whole message, is left out.
func buttonRows(lang string, k *messages.Keyboard) [][]button {
	rows := make([][]button, 0, len(k.GetRows()))
	for _, row := range k.GetRows() {
		var out []button
		for _, b := range row.GetButtons() {
			text := b.GetText()
			if text == "" && b.GetKey() != "" {
				text = label(lang, b.GetKey())
			}
			if button, ok := newButton(text, b.GetData(), b.GetUrl()); ok {
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

// markupOf is the reply_markup of a new message: none at all without buttons.
func markupOf(rows [][]button) any {
	if len(rows) == 0 {
		return nil
	}
	return inlineKeyboard{rows}
}
