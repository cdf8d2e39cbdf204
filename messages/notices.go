package messages

// Notices are texts of the catalogue, named by their meaning: actors name a notice, and bot renders it in English or
// Thai. The comment beside each lists its arguments, before a semicolon; a test reads them and checks the texts.
const (
	// Start and help.
	NoticeWelcome         = "welcome"          // name; private chat, person is registered
	NoticeWelcomeGroup    = "welcome_group"    // title; /start in a group
	NoticeHelpPrivate     = "help_private"     //
	NoticeHelpGroup       = "help_group"       // in a group, outside a ticket
	NoticeHelpTopic       = "help_topic"       // in a ticket's topic
	NoticeUnavailableHere = "unavailable_here" // command; it works only in a ticket's topic
	NoticeCommandUnknown  = "command_unknown"  // given, command ("" none is like it), note ("//" if it is one), private (given begins a note elsewhere); may have a button that sends it after all
	NoticeCommandTaken    = "command_taken"    // given, command ("": it is taken as a message), asked (it is open for which ticket); what NoticeCommandUnknown becomes
	NoticeOnlyAuthor      = "only_author"      // callback answer
	NoticeOnlyInGroup     = "only_in_group"    // command
	NoticeLangSet         = "lang_set"         // lang
	NoticeLangUsage       = "lang_usage"       //
	NoticeLangNotAllowed  = "lang_not_allowed" // in a group only administrators

	// The web desk.
	NoticeWebOffer       = "web_offer"        // url, local ("" it opens elsewhere, too); in the private chat
	NoticeWebOff         = "web_off"          // count; all sessions are ended
	NoticeWebOffNone     = "web_off_none"     // there was no session
	NoticeWebOnlyPrivate = "web_only_private" // given in a group
	NoticeWebNote        = "web_note"         // who, text; an internal note, so it begins with "//"

	// Groups.
	NoticeGroupRegistered     = "group_registered"      // title, nodelete, nopin; the rights that are missing
	NoticeGroupAlready        = "group_already"         // title, nodelete, nopin; registered before
	NoticeGroupNeedsTopics    = "group_needs_topics"    // title; registered, but without topics: what to do
	NoticeGroupNeedsRights    = "group_needs_rights"    // title; the bot may not manage topics: what to do
	NoticeGroupNotAllowed     = "group_not_allowed"     // not in GROUPS_ALLOWED
	NoticeGroupOnlyAdmins     = "group_only_admins"     // /register by someone who is not an administrator
	NoticeGroupUnregistered   = "group_unregistered"    // an administrator must send /register first
	NoticeDefaultGroupSet     = "default_group_set"     // title, name
	NoticeDefaultGroupAlready = "default_group_already" // title
	NoticeAnonymous           = "anonymous"             // command; not for anonymous administrators

	// To the administrators who registered groups, in private.
	NoticeWebhookFailing  = "webhook_failing"  // webhook, host, days ("" one), error
	NoticeWebhookDisabled = "webhook_disabled" // webhook, host, failing, gone; "1" the one that is the reason, both "" when it was asked for

	// In the chat of ALERTS_CHAT.
	NoticeProblemOpened = "problem_opened" // problem, subject ("" the desk), detail ("" none), advice; problem and advice are kinds, whose texts are in the catalogue
	NoticeProblemClosed = "problem_closed" // problem, subject ("" the desk), minutes (that it was open)
	NoticeProblemMuted  = "problem_muted"  // callback answer

	// Tickets.
	NoticeAskTitle        = "ask_title"        // ForceReply: what is the ticket about?
	NoticeTitleHint       = "title_hint"       // in a group, to the first words after that which do not answer it
	NoticeTicketCreated   = "ticket_created"   // ticket, url, name; name: whose message it was opened from, if that is somebody else
	NoticeCreateNote      = "create_note"      // it would be opened from an internal note
	NoticeTitleStays      = "title_stays"      // ticket, private; an edit of what opened it has another title
	NoticeEditedCommand   = "edited_command"   // in reply to what was a command, and has been edited to words
	NoticeReasonTold      = "reason_told"      // deleted (it was to be, otherwise it was edited); in reply to a command that has closed the ticket with a reason
	NoticeTicketFailed    = "ticket_failed"    // ticket, why; its topic could not be opened
	NoticeTicketClosed    = "ticket_closed"    // who, reason ("" none)
	NoticeTicketReopened  = "ticket_reopened"  // who
	NoticeTicketContinued = "ticket_continued" // who; it was pending
	NoticeFileInfected    = "file_infected"    // who, file, found; a virus scanner found something in a file
	NoticeFileNotKept     = "file_not_kept"    // file, why, ticket ("" in a topic of its own); in reply to the message, which is delivered
	NoticeFileTooLarge    = "file_too_large"   // file, limit ("": unknown), ticket; as the one before, and so are the next ones
	NoticeFileType        = "file_type"        // file, type, ticket
	NoticeFileEmpty       = "file_empty"       // file, ticket
	NoticeFileImage       = "file_image"       // file, pixels ("": unknown), ticket
	NoticeMediumFailed    = "medium_failed"    // group ("": one that a customer is not told), why, ticket; something of the description can't be shown
	NoticeAlreadyClosed   = "already_closed"   // ticket ("" in a topic of its own, here and below)
	NoticeAlreadyOpen     = "already_open"     // ticket
	NoticePendingSet      = "pending_set"      // who
	NoticeAlreadyPending  = "already_pending"  // ticket
	NoticePrioritySet     = "priority_set"     // who, priority (low|normal|high|urgent, to be translated), ticket
	NoticePrioritySame    = "priority_same"    // priority
	NoticePriorityUsage   = "priority_usage"   // given
	NoticePriorityChoose  = "priority_choose"  // with a keyboard
	NoticeTicketRenamed   = "ticket_renamed"   // who, title
	NoticeTicketIsClosed  = "ticket_is_closed" // ticket, command; /reopen_ticket first
	NoticeNotAllowed      = "not_allowed"      // command, name (who takes care of it), who, team, group; all but the first name who may, and are empty where that is not told
	NoticeCannotAsk       = "cannot_ask"       // why; Telegram did not say who is an administrator: try again
	NoticeTicketUnknown   = "ticket_unknown"   // given, private; no such ticket, or in a private chat none of the person's
	NoticeMyTickets       = "my_tickets"       // count, title; of a person, in a group with its title; followed by the operation's tickets as a list
	NoticeGroupTickets    = "group_tickets"    // title, count; of the group; followed by the same
	NoticeNoGroupTickets  = "no_group_tickets" // title
	NoticeTicketsOfOther  = "tickets_of_other" // callback answer: the list is somebody else's
	NoticeNoTickets       = "no_tickets"       // title; in a group

	// Who takes care of a ticket.
	NoticeClaimed             = "claimed"               // who
	NoticeClaimAlready        = "claim_already"         // by whoever asks
	NoticeClaimTaken          = "claim_taken"           // name; by somebody else
	NoticeClaimNotAllowed     = "claim_not_allowed"     // whoever asks is not of the desk on this ticket
	NoticeTakenElsewhere      = "taken_elsewhere"       // groups; nor are they where these help
	NoticeAssigned            = "assigned"              // name (who has it now), who
	NoticeAssignUsage         = "assign_usage"          // /assign without a name
	NoticeAssignUnknown       = "assign_unknown"        // given
	NoticeAssignNear          = "assign_near"           // given; buttons for those whose name begins so
	NoticeAssignAsking        = "assign_asking"         // name; the desk has not heard yet who administers the groups
	NoticeAssignCustomer      = "assign_customer"       // name; it is their ticket
	NoticeAssignNotTeam       = "assign_not_team"       // name; not of the desk on this ticket
	NoticeAssignSame          = "assign_same"           // name; has it already
	NoticeTakenOver           = "taken_over"            // name (who had it), who (has it now)
	NoticeReleased            = "released"              // who, name ("": nobody else had it)
	NoticeReleaseNone         = "release_none"          // nobody has it
	NoticeClaimedTickets      = "claimed_tickets"       // count, title; in a group with its title; followed by the operation's tickets as a list
	NoticeNoClaimedTickets    = "no_claimed_tickets"    // title; in a group
	NoticeWaiting             = "waiting"               // title (empty: of several groups), count, shown (empty: all); followed by the operation's tickets as a list
	NoticeWaitingNone         = "waiting_none"          // title (empty: of several groups)
	NoticeWaitingAside        = "waiting_aside"         // title (empty: of several groups); what has waited the longest is put aside, and more may wait
	NoticeWaitingCannotAsk    = "waiting_cannot_ask"    // in private: Telegram did not say in which groups they are
	NoticeWaitingNoGroup      = "waiting_no_group"      // in private: no group is theirs
	NoticeWaitingMoved        = "waiting_moved"         // the list goes on in a newer message
	NoticeWaitingOff          = "waiting_off"           // title
	NoticeAutoClaimOn         = "autoclaim_on"          // title
	NoticeAutoClaimOff        = "autoclaim_off"         // title
	NoticeSettings            = "settings"              // title; with a keyboard
	NoticeSettingsNotAllowed  = "settings_not_allowed"  // in a group only administrators
	NoticeAutoClaimNotAllowed = "autoclaim_not_allowed" // in a group only administrators

	// Hours, and what follows from them.
	NoticeHoursShown             = "hours_shown"               // title, hours (empty: always), apart; with a keyboard
	NoticeHoursSet               = "hours_set"                 // title, hours (empty: always), apart
	NoticeHoursUnclear           = "hours_unclear"             // given (empty: days or times are missing)
	NoticeHoursNoZone            = "hours_no_zone"             // given (empty: there was none)
	NoticeHoursNotYet            = "hours_not_yet"             // title; a date before there are hours
	NoticeHoursTooMany           = "hours_too_many"            // title; dates with hours of their own
	NoticeHoursNotAllowed        = "hours_not_allowed"         // only administrators
	NoticeAnswerWithinShown      = "answer_within_shown"       // title, urgent, high, normal, low (minutes)
	NoticeAnswerWithinSet        = "answer_within_set"         // title, urgent, high, normal, low (minutes)
	NoticeAnswerWithinUnclear    = "answer_within_unclear"     // given
	NoticeAnswerWithinNotAllowed = "answer_within_not_allowed" // only administrators
	NoticeOverdue                = "overdue"                   // name, group; who has it, or the group when nobody has
	NoticeLapsed                 = "lapsed"                    // name (who had it)
	NoticeAway                   = "away"                      // at
	NoticeLaterNotAllowed        = "later_not_allowed"         // only for the team
	NoticeSnoozed                = "snoozed"                   // who, at, name (who takes care of the ticket, if that is somebody else)
	NoticeSnoozeChoose           = "snooze_choose"             // with a keyboard
	NoticeSnoozeUnclear          = "snooze_unclear"            // given
	NoticeSnoozeNone             = "snooze_none"               // it is not put aside
	NoticeSnoozeOff              = "snooze_off"                // who, name (the same)
	NoticeAwake                  = "awake"                     // name, group; who has it or put it aside, or the group; with a keyboard

	// Closing by itself, and words after it.
	NoticeAutoCloseShown      = "autoclose_shown"       // title, after, notice (minutes); after is empty: never
	NoticeAutoCloseSet        = "autoclose_set"         // title, after, notice
	NoticeAutoCloseUnclear    = "autoclose_unclear"     // given
	NoticeAutoCloseNotAllowed = "autoclose_not_allowed" // only administrators
	NoticeClosesSoon          = "closes_soon"           // at, name (the customer, in a group), ticket (in private); with a keyboard
	NoticeClosesPlanned       = "closes_planned"        // at, who, name, ticket; the same, when somebody has set the time
	NoticeClosePlanned        = "close_planned"         // at, who; to whoever has set it
	NoticeCloseUnclear        = "close_unclear"         // given
	NoticeCloseUnanswered     = "close_unanswered"      // it waits for the desk
	NoticeKept                = "kept"                  // who, ticket (in private)
	NoticeKeptByCustomer      = "kept_by_customer"      // who, ticket (in private)
	NoticeKeepNone            = "keep_none"             // callback answer: it does not close by itself
	NoticeClosedQuiet         = "closed_quiet"          // ticket (in private)
	NoticeClosedPlanned       = "closed_planned"        // who, ticket (in private)
	NoticeReopenedByWord      = "reopened_by_word"      // who, ticket (in private)

	// Deleting.
	NoticeDeleteUsage       = "delete_usage"       // /delete that answers nothing
	NoticeDeleteUnknown     = "delete_unknown"     // the answered message is not the ticket's, or is already deleted
	NoticeDeleteDescription = "delete_description" // ticket; the answered words are its title or description, and it is unknown where
	NoticeSourceDeleted     = "source_deleted"     // ticket, title ("": it has no topic there), again, deletes; the answered words are out of its description, and "": their message stays
	NoticeSourceNone        = "source_none"        // ticket, title ("": it has no topic there); its description has no words of the answered message
	NoticeSourceStray       = "source_stray"       // ticket; its description was changed since, so the words are not found there
	NoticeSourceStays       = "source_stays"       // ticket, group, private (not empty: in a private chat, where no group is named), why; a post of its description stays there, which has what was taken out
	NoticeSourceUnquoted    = "source_unquoted"    // ticket, others, again, deletes; its messages are to show no more of the answered message, and "": that stays
	NoticeDeleteWithdrawn   = "delete_withdrawn"   // the answered message waited for a button, and no ticket had it
	NoticeDeleteNotAllowed  = "delete_not_allowed" // only for its author and administrators
	NoticeDeleteTooOld      = "delete_too_old"     // private (not empty: in a private chat); older than 48 hours
	NoticeDeleteNoRight     = "delete_no_right"    // group, private; the groups where the bot may not delete, separated by commas
	NoticeDeleteShown       = "delete_shown"       // /delete in reply to a post with the last messages
	NoticeDeleteStillShown  = "delete_still_shown" // group, private; the groups where such a post may show it, separated by commas
	NoticeDeleteQuoted      = "delete_quoted"      // group, private; where messages that answer it still quote it, separated by commas
	NoticeDeletePartly      = "delete_partly"      // group, private, why; the groups where it remains, separated by commas
	NoticeDeleteAlbum       = "delete_album"       // count, left; one part of an album is deleted, the others stay
	NoticeNoteStays         = "note_stays"         // in reply to a note that was edited to begin as none
	NoticeAlbumTakenBack    = "album_taken_back"   // its later caption makes a note of an album that was partly posted elsewhere

	// Mentions and links.
	NoticeMentioned       = "mentioned"         // name, group, url
	NoticeMentionAlready  = "mention_already"   // name, group, url
	NoticeMentionUnknown  = "mention_unknown"   // given; the person must /start the bot and set a default group
	NoticeMentionBare     = "mention_bare"      // name, group (theirs); with a button: a message names somebody who is not on the ticket
	NoticeMentionNear     = "mention_near"      // given; with a keyboard of those whose names begin so
	NoticeMentionNoGroup  = "mention_no_group"  // name; has no default group: /default_group in their group
	NoticeMentionBotOut   = "mention_bot_out"   // name, group; the bot is not in that group
	NoticeMentionNoTopics = "mention_no_topics" // name, group; it has no topics
	NoticeMentionNoRights = "mention_no_rights" // name, group; the bot may not manage topics there
	NoticeMentionHome     = "mention_home"      // name, group; their default group is this ticket's own group
	NoticeMentionFailed   = "mention_failed"    // name, group, why; the topic could not be opened
	NoticeMentionChoose   = "mention_choose"    // with a keyboard
	NoticeMentionNobody   = "mention_nobody"    // no internal user yet
	NoticeMentionBot      = "mention_bot"       // name; bots can't be mentioned
	NoticeMentionWords    = "mention_words"     // nobody got the words besides the names
	NoticeMentionNote     = "mention_note"      // nor what is an internal note
	NoticeLinked          = "linked"            // ticket, who, group, url (of the other side)
	NoticeLinkedHome      = "linked_home"       // who, group, url (of the new side)
	NoticeLinkAlready     = "link_already"      // this topic is linked to it already
	NoticeLinkOther       = "link_other"        // ticket; this topic belongs to that other ticket
	NoticeLinkUsage       = "link_usage"        //
	NoticeLinkNotAllowed  = "link_not_allowed"  // ticket; rights on both sides are needed
	NoticeLinkNeedsTopic  = "link_needs_topic"  // only in a topic of a registered group
	NoticeLinkBotOut      = "link_bot_out"      // ticket, group; the bot is not in the ticket's group any more
	NoticeUnlinked        = "unlinked"          // who, ticket, group (of the side that left), name (who was mentioned there), home (the ticket's group), self (whoever was mentioned there ended it), had (who took care of the ticket, and sees it no more)
	NoticeUnlinkReleased  = "unlink_released"   // name (who took care of the ticket), who, ticket; in the topic that leaves
	NoticeUnlinkedCard    = "unlinked_card"     // ticket; what the card becomes in a topic that was unlinked
	NoticeUnlinkHome      = "unlink_home"       // the home topic can't be unlinked
	NoticeUnlinkNone      = "unlink_none"       // this topic is not linked

	// Private chats.
	NoticePrivateChoose       = "private_choose"         // title, mute (how many groups could not be asked); with a keyboard
	NoticePrivateNoGroup      = "private_no_group"       // title, mute, words (not empty: more was to go into it)
	NoticePrivateNotMember    = "private_not_member"     // title, group, words; not a member, or the group takes no tickets
	NoticePrivateCannotAsk    = "private_cannot_ask"     // title, group, why
	NoticePrivateOpened       = "private_opened"         // callback answer: the ticket is open, or about to be
	NoticePrivateDropped      = "private_dropped"        // title, words
	NoticePrivateStale        = "private_stale"          // callback answer
	NoticePrivateCreatedTopic = "private_created_topic"  // group, ticket
	NoticePrivateCreated      = "private_created"        // ticket, group; it is now the current ticket
	NoticePrivateFailed       = "private_failed"         // ticket, group, why; with a button to try again
	NoticePrivateCurrent      = "private_current"        // ticket; it is now the current ticket
	NoticePrivateSame         = "private_same"           // ticket; callback answer
	NoticePrivateClosed       = "private_closed"         // who, reason, ticket
	NoticePrivateReopened     = "private_reopened"       // who, ticket
	NoticePrivatePending      = "private_pending"        // who, ticket
	NoticePrivateContinued    = "private_continued"      // who, ticket; it was pending
	NoticePrivateIsClosed     = "private_is_closed"      // ticket; in reply to a message that was not passed on, with buttons
	NoticePrivateWhich        = "private_which"          // in reply to a message that was not passed on, with buttons
	NoticePrivateUnclear      = "private_unclear"        // title, current; titles of two tickets; in reply to a message that waits for the answer, with buttons
	NoticePrivateWaits        = "private_waits"          // repeats such a question, with buttons
	NoticePrivateTitle        = "private_title"          // in reply to a message that may be the title that the bot has asked for, with buttons
	NoticePrivateWithdrawn    = "private_withdrawn"      // what a question becomes when its message was deleted
	NoticePrivateSent         = "private_sent"           // ticket; what a question becomes when its message was sent
	NoticePrivateForTicket    = "private_for_ticket"     // ticket; what it becomes when only commands waited
	NoticePrivateAwaitsGroup  = "private_awaits_group"   // the same, while they are asked for the group of a ticket: no button
	NoticePrivateUntitled     = "private_untitled"       // as private_title, of a message without words, which can't be the title
	NoticePrivateTitleOrDraft = "private_title_or_draft" // ticket; the same, where a draft waits and it may be the title of another one, with a button
	NoticePrivateNone         = "private_none"           // in reply to a message that was not passed on, with a button
	NoticePrivateNoTicket     = "private_no_ticket"      // command; no ticket to use it on
	NoticePrivateUnhere       = "private_unhere"         // command; can't be used in private
	NoticePrivateNewAgain     = "private_new_again"      // callback answer: the message that is to open a ticket can't be seen any more
	NoticePrivateSayAgain     = "private_say_again"      // callback answer: the message can't be seen any more
	NoticePrivateBlocked      = "private_blocked"        // name; in the group's topic
	NoticePrivateUnblocked    = "private_unblocked"      // name; in the group's topic
	NoticePrivateTickets      = "private_tickets"        // count; followed by the operation's tickets as a list, with buttons
	NoticePublicOn            = "public_on"              // title
	NoticePublicOff           = "public_off"             // title
	NoticePublicNotAllowed    = "public_not_allowed"     // in a group only administrators

	// Trouble.
	NoticeCopyFailed     = "copy_failed"      // group ("": one that a customer is not told), why; in reply to the message that did not arrive
	NoticeCopyProtected  = "copy_protected"   // group ("": the same); in reply to a message that Telegram lets nobody copy
	NoticeTopicSuspended = "topic_held"       // group, why; messages wait until the bot may write there
	NoticeTopicFormer    = "topic_former"     // name; somebody writes in a topic that this one has replaced
	NoticeTopicOverflow  = "topic_overflow"   // name; so much was said there at once that not all of it is here
	NoticeTopicLost      = "topic_lost"       // group, why; the topic was deleted and can't be opened again
	NoticeEditFailed     = "edit_failed"      // group ("": the same), why; in reply to the message whose edit did not arrive
	NoticeRetrying       = "retrying"         // callback answer
	NoticeNothingToRetry = "nothing_to_retry" // callback answer
	NoticeButtonStale    = "button_stale"     // callback answer: the button no longer works
	NoticeDone           = "done"             // callback answer
)

// Button texts of the catalogue.
const (
	ButtonMention   = "button_mention"
	ButtonPending   = "button_pending"
	ButtonPriority  = "button_priority"
	ButtonClose     = "button_close"
	ButtonReopen    = "button_reopen"
	ButtonContinue  = "button_continue" // ends that a ticket is pending
	ButtonRetry     = "button_retry"
	ButtonOpen      = "button_open" // opens a topic by its link
	ButtonWebDesk   = "button_web"  // opens the web desk as a Mini App
	ButtonNext      = "button_next"
	ButtonBack      = "button_back"
	ButtonCancel    = "button_cancel"
	ButtonSay       = "button_say"        // reopens a ticket and sends it a message
	ButtonSayClosed = "button_say_closed" // sends a message to a ticket that stays closed
	ButtonAsIs      = "button_as_is"      // sends a message that looks like a command
	ButtonNew       = "button_new"        // opens a ticket with a message
	ButtonClaim     = "button_claim"      // whoever presses it takes care of the ticket
	ButtonMute      = "button_mute"       // for a day nothing is posted about a problem
	ButtonLater1h   = "button_later_1h"   // puts a ticket aside
	ButtonLater2h   = "button_later_2h"
	ButtonKeep      = "button_keep"       // the ticket is still needed, to the customer
	ButtonKeepOpen  = "button_keep_open"  // the same, to the desk
	ButtonSolved    = "button_solved"     // closes it
	ButtonLaterDay  = "button_later_day"  // until tomorrow
	ButtonLaterWeek = "button_later_week" // until Monday
	ButtonHoursOn   = "button_hours_on"   // the team always works
	ButtonListOff   = "button_list_off"   // General lists no more what waits
	ButtonHours     = "setting_hours"     // hours; of /settings, opens what /hours shows
	ButtonWithin    = "setting_within"    // low, normal, high, urgent, as far as they differ; the same of /answer_within
)

// Callback data of our buttons: "<verb>:<ticket id>[:<argument>]", at most 64 bytes.
const (
	CallbackMention     = "mention" // shows the keyboard
	CallbackMentionPage = "mpage"   // argument: page
	CallbackMentionUser = "muser"   // argument: Telegram user id
	CallbackAssignUser  = "auser"   // argument: Telegram user id
	CallbackPending     = "pending"
	CallbackClaim       = "claim"
	CallbackPriority    = "priority" // no argument: shows the choice; else low|normal|high|urgent
	CallbackClose       = "close"
	CallbackReopen      = "reopen"
	CallbackLater       = "later"   // argument: as after /later
	CallbackKeep        = "keep"    // the ticket does not close by itself
	CallbackSolved      = "solved"  // closes it, below the notice that it does so by itself
	CallbackHours       = "hours"   // in a group; "hours:<hours as after /hours>"
	CallbackPick        = "pick"    // in private; argument: internal id of a group
	CallbackPickPage    = "ppage"   // in private; argument: page
	CallbackDrop        = "pdrop"   // in private: cancels a draft
	CallbackTalk        = "talk"    // in private: makes the ticket the current one
	CallbackSay         = "say"     // in private: the same, reopens it, and sends it the message that the button is about; argument: as for CallbackMean, or none
	CallbackSayClosed   = "sayc"    // in private: sends it that message without reopening it; argument: the same
	CallbackMean        = "mean"    // in private: the same without reopening; argument: the word after which it was unclear what was meant
	CallbackNew         = "new"     // in private, without a ticket: makes a draft from that message
	CallbackAsIs        = "asis"    // sends a message that looks like a command; "asis:<message id>"
	CallbackInstead     = "instead" // carries out the command that it is most like; "instead:<message id>"
	CallbackTickets     = "tickets" // a page of a list of tickets; "tickets:<place>:<page>"
	CallbackSet         = "set"     // a setting of a group; "set:<setting>:<value>", and ":list" below the list of what waits; without a value, it is shown
	CallbackMute        = "mute"    // in the chat of ALERTS_CHAT; "mute:<problem id>"
	CallbackRetry       = "retry"   // argument: <link number>:<sequence>:<h or l>; target is home or the link's topic
)

// ReasonClosed is the reason of a Reply with CONFLICT: the ticket is closed, so the message is not recorded.

const ReasonClosed = "closed"

// ReasonClosedLately and ReasonClosedBefore are the same for a word from a private chat: it may reopen the ticket
// (RecordMessage.Reopens); it may not any more, and opens a new one.
const (
	ReasonClosedLately = "closed_lately"
	ReasonClosedBefore = "closed_before"
)
