package simulator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"
)

// The library that Topicdesk uses, from people's message to the bot's answer.
func TestWithGoTelegram(t *testing.T) {
	st := newStage(t, Options{})
	got := make(chan *models.Update, 10)
	b, err := bot.New(st.s.Token(), bot.WithServerURL(st.url), bot.WithHTTPClient(0, st.client),
		bot.WithDefaultHandler(func(_ context.Context, _ *bot.Bot, u *models.Update) { got <- u }))
	st.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { b.Start(ctx); close(done) }()
	defer func() { cancel(); <-done }()

	thread, err := st.s.CreateTopic(st.chat, st.ann, "Printer")
	st.must(err)
	if u := <-got; u.Message.ForumTopicCreated == nil || u.Message.MessageThreadID != thread || u.Message.ID != thread {
		t.Fatalf("no forum_topic_created: %+v", u.Message)
	}
	st.post(Post{From: st.ann, Chat: st.chat, Thread: thread, Text: "/help@topicdesk_bot me 👍 @ada_x"})
	m := (<-got).Message
	if !m.IsTopicMessage || m.ReplyToMessage == nil || m.ReplyToMessage.ForumTopicCreated == nil || m.Entities[0].Type != "bot_command" || m.Entities[1].Offset != 26 {
		t.Fatalf("%+v %+v", m, m.Entities)
	}
	sent, err := b.SendMessage(ctx, &bot.SendMessageParams{ChatID: st.chat, MessageThreadID: thread, Text: "bold", Entities: []models.MessageEntity{{Type: "bold", Offset: 0, Length: 4}},
		ReplyParameters: &models.ReplyParameters{MessageID: m.ID, AllowSendingWithoutReply: true},
		ReplyMarkup:     &models.InlineKeyboardMarkup{InlineKeyboard: [][]models.InlineKeyboardButton{{{Text: "Close", CallbackData: "c:1"}, {Text: "Site", URL: "https://example.com"}}}}})
	st.must(err)
	st.must(func() error { _, err := st.s.Press(st.ann, st.chat, sent.ID, "c:1"); return err }())
	q := (<-got).CallbackQuery
	if q.Data != "c:1" || q.Message.Message.ID != sent.ID {
		t.Fatalf("%+v", q)
	}
	_, err = b.AnswerCallbackQuery(ctx, &bot.AnswerCallbackQueryParams{CallbackQueryID: q.ID, Text: "closed"})
	st.must(err)
	if a := st.s.Answers(); len(a) != 1 || a[0].Text != "closed" || a[0].To != st.ann {
		t.Fatalf("%+v", a)
	}
	_, err = b.SendPoll(ctx, &bot.SendPollParams{ChatID: st.chat, MessageThreadID: thread, Question: "Well?", Options: []models.InputPollOption{{Text: "yes"}, {Text: "no"}}})
	st.must(err)
	album, err := b.SendMediaGroup(ctx, &bot.SendMediaGroupParams{ChatID: st.chat, MessageThreadID: thread, Media: []models.InputMedia{
		&models.InputMediaPhoto{Media: "attach://a.png", MediaAttachment: strings.NewReader("aaa"), Caption: "one"},
		&models.InputMediaPhoto{Media: "attach://b.png", MediaAttachment: strings.NewReader("bbb")}}})
	st.must(err)
	if len(album) != 2 || album[0].MediaGroupID == "" || album[0].MediaGroupID != album[1].MediaGroupID || album[0].Caption != "one" {
		t.Fatalf("%+v", album)
	}
	doc, err := b.SendDocument(ctx, &bot.SendDocumentParams{ChatID: st.chat, Document: &models.InputFileUpload{Filename: "log.txt", Data: strings.NewReader("hello")}})
	st.must(err)
	f, err := b.GetFile(ctx, &bot.GetFileParams{FileID: doc.Document.FileID})
	st.must(err)
	res, err := st.client.Get(b.FileDownloadLink(f))
	st.must(err)
	defer res.Body.Close()
	buf := make([]byte, 10)
	n, _ := res.Body.Read(buf)
	if string(buf[:n]) != "hello" {
		t.Fatalf("downloaded %q", buf[:n])
	}
	_, err = b.CloseForumTopic(ctx, &bot.CloseForumTopicParams{ChatID: st.chat, MessageThreadID: thread})
	st.must(err)
	if _, err = b.CloseForumTopic(ctx, &bot.CloseForumTopicParams{ChatID: st.chat, MessageThreadID: thread}); !errors.Is(err, bot.ErrorBadRequest) || !strings.Contains(err.Error(), "TOPIC_NOT_MODIFIED") {
		t.Fatal(err)
	}
	admins, err := b.GetChatAdministrators(ctx, &bot.GetChatAdministratorsParams{ChatID: st.chat})
	st.must(err)
	if len(admins) != 2 {
		t.Fatalf("%+v", admins)
	}
	transcript := st.s.Messages(st.chat, thread)
	kinds := []string{}
	for _, m := range transcript {
		switch {
		case m.Service != nil:
			kinds = append(kinds, m.Service.Kind)
		case m.Media != nil:
			kinds = append(kinds, m.Media.Kind)
		default:
			kinds = append(kinds, m.From.Name+": "+m.Text)
		}
	}
	want := []string{"forum_topic_created", "Ann: /help@topicdesk_bot me 👍 @ada_x", "Topicdesk: bold", "poll", "photo", "photo", "forum_topic_closed"}
	if !slices.Equal(kinds, want) {
		t.Fatalf("transcript %q", kinds)
	}
}
