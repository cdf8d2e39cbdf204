package bot

import (
	"context"
	"net/http"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// act makes the calls that neither send nor edit a message.
func (c *Client) act(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome {
	thread := int(threadOf(op))
	switch op.GetCall().(type) {
	case *messages.Operation_RenameTopic, *messages.Operation_CheckTopic, *messages.Operation_CloseTopic,
		*messages.Operation_ReopenTopic, *messages.Operation_SetIcon:
		if thread == 0 { // Telegram would answer as for a deleted topic
			return rejected("the general topic and a whole private chat can't be renamed or closed")
		}
	}
	switch call := op.GetCall().(type) {
	case *messages.Operation_CreateTopic:
		return c.createTopic(ctx, chatID, call.CreateTopic)
	case *messages.Operation_SetIcon:
		return c.setIcon(ctx, chatID, thread, call.SetIcon.GetIcon())
	case *messages.Operation_RenameTopic:
		return c.renameTopic(ctx, chatID, thread, call.RenameTopic.GetName())
	case *messages.Operation_CheckTopic:
		// Telegram refuses the name that a topic has as no change, and another answer means that there is no such topic.
		// (sendChatAction succeeds for deleted topics, too.)
		return c.renameTopic(ctx, chatID, thread, call.CheckTopic.GetName())
	case *messages.Operation_CloseTopic:
		return c.repeatable(ctx, "closeForumTopic", func(ctx context.Context) error {
			_, err := c.lib.CloseForumTopic(ctx, &tg.CloseForumTopicParams{ChatID: chatID, MessageThreadID: thread})
			return err
		})
	case *messages.Operation_ReopenTopic:
		return c.repeatable(ctx, "reopenForumTopic", func(ctx context.Context) error {
			_, err := c.lib.ReopenForumTopic(ctx, &tg.ReopenForumTopicParams{ChatID: chatID, MessageThreadID: thread})
			return err
		})
	case *messages.Operation_Pin:
		return c.repeatable(ctx, "pinChatMessage", func(ctx context.Context) error {
			_, err := c.lib.PinChatMessage(ctx, &tg.PinChatMessageParams{
				ChatID: chatID, MessageID: int(call.Pin.GetMessageId()), DisableNotification: true})
			return err
		})
	case *messages.Operation_React:
		return c.repeatable(ctx, "setMessageReaction", func(ctx context.Context) error {
			_, err := c.lib.SetMessageReaction(ctx, &tg.SetMessageReactionParams{
				ChatID: chatID, MessageID: int(call.React.GetMessageId()), Reaction: reactionOf(call.React.GetEmoji())})
			return err
		})
	case *messages.Operation_DeleteMessages:
		return c.deleteMessages(ctx, chatID, call.DeleteMessages.GetMessageIds())
	case *messages.Operation_AnswerCallback:
		return c.repeatable(ctx, "answerCallbackQuery", func(ctx context.Context) error {
			_, err := c.lib.AnswerCallbackQuery(ctx, &tg.AnswerCallbackQueryParams{
				CallbackQueryID: call.AnswerCallback.GetCallbackId(), Text: callbackText(lang, call.AnswerCallback),
				ShowAlert: call.AnswerCallback.GetAlert()})
			return err
		})
	case *messages.Operation_Unpin:
		return c.repeatable(ctx, "unpinChatMessage", func(ctx context.Context) error {
			_, err := c.lib.UnpinChatMessage(ctx, &tg.UnpinChatMessageParams{
				ChatID: chatID, MessageID: int(call.Unpin.GetMessageId())})
			return err
		})
	case *messages.Operation_CheckMember:
		return c.checkMember(ctx, chatID, call.CheckMember.GetUserId())
	case *messages.Operation_ListAdmins:
		return c.listAdmins(ctx, chatID)
	case *messages.Operation_DescribeChat:
		return c.describeChat(ctx, chatID)
	}
	return rejected("this version does not know the operation")
}

// deleteMessages deletes messages. Of several, Telegram skips those that it can't delete, and does not say so.
func (c *Client) deleteMessages(ctx context.Context, chatID int64, ids []int64) *messages.Outcome {
	if len(ids) == 0 {
		return &messages.Outcome{Result: messages.Outcome_DONE}
	}
	if len(ids) == 1 {
		return c.repeatable(ctx, "deleteMessage", func(ctx context.Context) error {
			_, err := c.lib.DeleteMessage(ctx, &tg.DeleteMessageParams{ChatID: chatID, MessageID: int(ids[0])})
			return err
		})
	}
	several := make([]int, min(len(ids), maxDeleted))
	for i := range several {
		several[i] = int(ids[i])
	}
	return c.repeatable(ctx, "deleteMessages", func(ctx context.Context) error {
		_, err := c.lib.DeleteMessages(ctx, &tg.DeleteMessagesParams{ChatID: chatID, MessageIDs: several})
		return err
	})
}

// maxDeleted is how many messages one call can delete (Bot API, deleteMessages).
const maxDeleted = 100

// repeatable makes a call through the library that has the same effect when it is made twice.
func (c *Client) repeatable(ctx context.Context, method string, call func(context.Context) error) *messages.Outcome {
	if err := c.viaLibrary(ctx, method, call); err != nil {
		return outcomeOf(err, true)
	}
	return &messages.Outcome{Result: messages.Outcome_DONE}
}

func (c *Client) renameTopic(ctx context.Context, chatID int64, thread int, name string) *messages.Outcome {
	return c.repeatable(ctx, "editForumTopic", func(ctx context.Context) error {
		_, err := c.lib.EditForumTopic(ctx, &tg.EditForumTopicParams{ChatID: chatID, MessageThreadID: thread,
			Name: messages.CutUTF16(name, messages.MaxTopicName)})
		return err
	})
}

// createTopic opens a topic. Where its icon can't be had, it opens without, and the outcome says so if that may be another time.
func (c *Client) createTopic(ctx context.Context, chatID int64, call *messages.CreateTopicCall) *messages.Outcome {
	soon, cancel := context.WithTimeout(ctx, iconsAwaited)
	icon, err := c.iconID(soon, call.GetIcon())
	cancel()
	unknown := err != nil
	if unknown {
		c.log.Warn("the icons of topics can't be read; a topic opens without one", "error", err)
	}
	var topic *models.ForumTopic
	create := func() *APIError {
		return c.viaLibrary(ctx, "createForumTopic", func(ctx context.Context) (err error) {
			topic, err = c.lib.CreateForumTopic(ctx, &tg.CreateForumTopicParams{ChatID: chatID,
				Name: messages.CutUTF16(call.GetName(), messages.MaxTopicName), IconCustomEmojiID: icon})
			return err
		})
	}
	if err = create(); err != nil && icon != "" && err.iconRefused() {
		icon = ""
		err = create()
	}
	if err != nil {
		out := outcomeOf(err, false)
		if chatID > 0 && says(err.Description, saysNoForum) {
			out.Result, out.ChatWide = messages.Outcome_REJECTED, false // no right is missing: the chat has no topics
		}
		return out
	}
	return &messages.Outcome{Result: messages.Outcome_DONE, ThreadId: int64(topic.MessageThreadID), IconLeftOut: unknown}
}

// reactionOf returns the list of reactions to set. An empty list removes the bot's reaction.
func reactionOf(emoji string) []models.ReactionType {
	if emoji == "" {
		return nil
	}
	return []models.ReactionType{{
		Type:              models.ReactionTypeTypeEmoji,
		ReactionTypeEmoji: &models.ReactionTypeEmoji{Type: models.ReactionTypeTypeEmoji, Emoji: emoji},
	}}
}

// listAdmins asks for the group's administrators: the ids of people, the owner among them.
func (c *Client) listAdmins(ctx context.Context, chatID int64) *messages.Outcome {
	var members []models.ChatMember
	err := c.viaLibrary(ctx, "getChatAdministrators", func(ctx context.Context) (err error) {
		members, err = c.lib.GetChatAdministrators(ctx, &tg.GetChatAdministratorsParams{ChatID: chatID})
		return err
	})
	if err != nil {
		return outcomeOf(err, true)
	}
	out := &messages.Outcome{Result: messages.Outcome_DONE}
	for _, m := range members {
		switch {
		case m.Owner != nil && m.Owner.User != nil && !m.Owner.User.IsBot:
			out.AdminIds = append(out.AdminIds, m.Owner.User.ID)
		case m.Administrator != nil && !m.Administrator.User.IsBot:
			out.AdminIds = append(out.AdminIds, m.Administrator.User.ID)
		}
	}
	return out
}

// describeChat asks what the chat is and what the bot may do there: getChat, then getChatMember.
func (c *Client) describeChat(ctx context.Context, chatID int64) *messages.Outcome {
	var chat struct {
		ID        int64  `json:"id"`
		Type      string `json:"type"`
		Title     string `json:"title"`
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
		IsForum   bool   `json:"is_forum"`
	}
	if err := c.post(ctx, methodGetChat, map[string]int64{"chat_id": chatID}, &chat); err != nil {
		return outcomeOf(err, true)
	}
	facts := &messages.GroupFacts{ChatId: chat.ID, Title: messages.WithoutDirection(chat.Title), Type: chat.Type, IsForum: chat.IsForum}
	out := &messages.Outcome{Result: messages.Outcome_DONE, Chat: facts}
	if chat.Type == string(models.ChatTypePrivate) {
		facts.Title = oneLine(chat.FirstName + " " + chat.LastName)
		return out
	}
	var me *models.ChatMember
	err := c.viaLibrary(ctx, "getChatMember", func(ctx context.Context) (err error) {
		me, err = c.lib.GetChatMember(ctx, &tg.GetChatMemberParams{ChatID: chatID, UserID: c.ID()})
		return err
	})
	if err != nil {
		return outcomeOf(err, true)
	}
	facts.BotStatus = string(me.Type)
	if a := me.Administrator; a != nil {
		facts.CanManageTopics, facts.CanPinMessages = a.CanManageTopics, a.CanPinMessages
		facts.CanDeleteMessages = a.CanDeleteMessages
	}
	return out
}

// saysNoMember are Telegram's answers about a person who never was in the chat.
var saysNoMember = []string{
	"user not found", "member not found", "user_not_participant", "participant_id_invalid", "user_id_invalid",
}

// checkMember asks whether a person is in the chat.
func (c *Client) checkMember(ctx context.Context, chatID, userID int64) *messages.Outcome {
	var member struct {
		Status   string `json:"status"`
		IsMember bool   `json:"is_member"` // of a restricted person
	}
	params := map[string]int64{"chat_id": chatID, "user_id": userID}
	if err := c.post(ctx, methodGetChatMember, params, &member); err != nil {
		if err.Status == http.StatusBadRequest && says(err.Description, saysNoMember) {
			return &messages.Outcome{Result: messages.Outcome_DONE}
		}
		return outcomeOf(err, true)
	}
	isMember := administrator(member.Status) || member.Status == "member" ||
		member.Status == "restricted" && member.IsMember
	return &messages.Outcome{Result: messages.Outcome_DONE, IsMember: isMember}

}
