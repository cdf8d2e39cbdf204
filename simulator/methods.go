package simulator

import "slices"

// handlers are the methods that the simulator plays; getUpdates stands apart, since it waits.
var handlers map[string]handler

func init() {
	handlers = map[string]handler{
		"getMe": (*Server).getMe, "logOut": yes, "close": yes,
		"setWebhook": (*Server).setWebhook, "deleteWebhook": (*Server).deleteWebhook, "getWebhookInfo": (*Server).getWebhookInfo,

		"sendMessage": (*Server).sendMessage, "sendRichMessage": (*Server).sendRichMessage,
		"forwardMessage": (*Server).forwardMessage, "forwardMessages": (*Server).forwardMessages,
		"copyMessage": (*Server).copyMessage, "copyMessages": (*Server).copyMessages,
		"sendPhoto": sendFile("photo"), "sendDocument": sendFile("document"), "sendVideo": sendFile("video"),
		"sendAnimation": sendFile("animation"), "sendAudio": sendFile("audio"), "sendVoice": sendFile("voice"),
		"sendVideoNote": sendFile("video_note"), "sendLivePhoto": sendFile("live_photo"), "sendSticker": sendFile("sticker"), "sendMediaGroup": (*Server).sendMediaGroup,
		"sendLocation": (*Server).sendLocation, "sendVenue": (*Server).sendVenue, "sendContact": (*Server).sendContact,
		"sendDice": (*Server).sendDice, "sendPoll": (*Server).sendPoll, "stopPoll": (*Server).stopPoll,
		"sendChatAction": (*Server).sendChatAction, "setMessageReaction": (*Server).setMessageReaction,
		"getFile": (*Server).getFile, "answerCallbackQuery": (*Server).answerCallbackQuery,

		"editMessageText": (*Server).editMessageText, "editMessageCaption": (*Server).editMessageCaption,
		"editMessageLiveLocation": (*Server).editMessageLiveLocation, "stopMessageLiveLocation": (*Server).stopMessageLiveLocation,
		"editMessageMedia": (*Server).editMessageMedia, "editMessageReplyMarkup": (*Server).editMessageReplyMarkup,
		"deleteMessage": (*Server).deleteMessage, "deleteMessages": (*Server).deleteMessages,
		"pinChatMessage": (*Server).pinChatMessage, "unpinChatMessage": (*Server).unpinChatMessage, "unpinAllChatMessages": (*Server).unpinAllChatMessages,

		"createForumTopic": (*Server).createForumTopic, "editForumTopic": (*Server).editForumTopic,
		"closeForumTopic": (*Server).closeForumTopic, "reopenForumTopic": (*Server).reopenForumTopic,
		"deleteForumTopic": (*Server).deleteForumTopic, "closeGeneralForumTopic": (*Server).closeGeneralForumTopic,
		"reopenGeneralForumTopic": (*Server).reopenGeneralForumTopic, "getForumTopicIconStickers": (*Server).getForumTopicIconStickers,
		"unpinAllForumTopicMessages": (*Server).unpinAllForumTopicMessages,

		"getChat": (*Server).getChat, "getChatMember": (*Server).getChatMember, "getChatAdministrators": (*Server).getChatAdministrators,
		"getChatMemberCount": (*Server).getChatMemberCount, "leaveChat": (*Server).leaveChat, "exportChatInviteLink": (*Server).exportChatInviteLink,

		"setMyCommands": (*Server).setMyCommands, "getMyCommands": (*Server).getMyCommands, "deleteMyCommands": (*Server).deleteMyCommands,
		"setMyName": setProfile("name"), "getMyName": getProfile("name"),
		"setMyDescription": setProfile("description"), "getMyDescription": getProfile("description"),
		"setMyShortDescription": setProfile("short_description"), "getMyShortDescription": getProfile("short_description"),
		"setMyDefaultAdministratorRights": yes, "setChatMenuButton": yes,
	}
}

func yes(*Server, *call) (any, *apiError) { return true, nil }

func (s *Server) getMe(*call) (any, *apiError) {
	topics := slices.ContainsFunc(s.w.order, func(id int64) bool { return s.w.people[id].Topics })
	return map[string]any{"has_topics_enabled": topics, "allows_users_to_create_topics": topics, "id": s.botID, "is_bot": true, "first_name": s.w.botName, "username": s.opt.BotUsername, "can_join_groups": true,
		"can_read_all_group_messages": !s.opt.PrivacyMode, "supports_inline_queries": false, "can_connect_to_business": false, "has_main_web_app": false}, nil
}
