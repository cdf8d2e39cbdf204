package httpedge

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/topicdesk/topicdesk/messages"
)

// Codes of problems, by which programs tell them apart. They never change. docs/api.md lists them, and a test
// compares.
const (
	codeBadRequest       = "bad_request"
	codeInvalidJSON      = "invalid_json"
	codeUnauthenticated  = "unauthenticated"
	codeKeyExpired       = "api_key_expired"
	codeKeyRevoked       = messages.ReasonKeyRevoked
	codeScopeMissing     = "scope_missing"
	codeNotFound         = "not_found"
	codeMethodNotAllowed = "method_not_allowed"
	codeTimeout          = "request_timeout"
	codeConflict         = "conflict"
	codeInProgress       = "idempotency_in_progress"
	codeKeyReused        = "idempotency_key_reused"
	codeAnswerSealed     = "idempotency_answer_sealed"
	codeStale            = "precondition_failed"
	codeTooLarge         = "too_large"
	codeMediaType        = "unsupported_media_type"
	codeInvalid          = "invalid"
	codeRateLimited      = "rate_limited"
	codeHeadersTooLarge  = "headers_too_large"
	codeInternal         = "internal"
	codeUnavailable      = "unavailable"
	codeGroupUnknown     = "group_not_found"
	codeGrantTooWide     = "grant_too_wide"
	codeFileRefused      = "file_refused"
	codeRange            = "range_not_satisfiable"
	codeEventsExpired    = "events_expired"
	codeNoTopic          = "topic_not_open"
)

// problemKind is what all problems of a code have in common.
type problemKind struct {
	status int
	detail string // for people: what happened and what to do
}

// problemKinds is the one map from what went wrong, here or in an entity (messages.Reply.Reason), to the answer.
var problemKinds = map[string]problemKind{
	codeBadRequest:       {http.StatusBadRequest, "The request can't be understood."},
	codeInvalidJSON:      {http.StatusBadRequest, "The body is not valid JSON."},
	codeUnauthenticated:  {http.StatusUnauthorized, "Send a valid API key: Authorization: Bearer td_live_…"},
	codeKeyExpired:       {http.StatusUnauthorized, "This API key has expired. Use another one."},
	codeScopeMissing:     {http.StatusForbidden, "This API key lacks the scope that the operation needs."},
	codeGrantTooWide:     {http.StatusForbidden, "A key can only manage keys that may do no more than itself."},
	codeNotFound:         {http.StatusNotFound, "It does not exist, or this API key can't see it."},
	codeMethodNotAllowed: {http.StatusMethodNotAllowed, "This address does not take that method; see the Allow header."},
	codeTimeout:          {http.StatusRequestTimeout, "The request took too long to arrive."},
	codeConflict:         {http.StatusConflict, "That can't be done in the current state."},
	codeInProgress: {http.StatusConflict,
		"A request with this Idempotency-Key is in progress. Repeat it in a moment."},
	codeAnswerSealed: {http.StatusConflict, "This request was carried out before. Its answer holds a secret, so only " +
		"the API key that sent the request can see it. Rotate the new key to get another secret."},
	codeStale:        {http.StatusPreconditionFailed, "It has changed. Read it again and send its new ETag as If-Match."},
	codeTooLarge:     {http.StatusRequestEntityTooLarge, "The request is larger than allowed here: 1 MB, or 50 MB for the upload of a file."},
	codeMediaType:    {http.StatusUnsupportedMediaType, "Send the body as application/json, without a Content-Encoding."},
	codeInvalid:      {http.StatusUnprocessableEntity, "Some fields are not valid; see errors."},
	codeGroupUnknown: {http.StatusUnprocessableEntity, "The group does not exist, or this API key can't see it."},
	codeKeyReused: {http.StatusUnprocessableEntity,
		"Another request was sent with this Idempotency-Key. Use a new key for each request."},
	messages.ReasonManyPending: {http.StatusTooManyRequests, "50 notes and answers of this ticket wait to be posted in " +
		"Telegram, and no more may. Send it again after as long as Retry-After says."},
	codeRateLimited:     {http.StatusTooManyRequests, "Too many requests. Wait as long as Retry-After says."},
	codeHeadersTooLarge: {http.StatusRequestHeaderFieldsTooLarge, "The headers of the request are too large."},
	codeInternal: {http.StatusInternalServerError,
		"The service failed. Its log has the details under this request id."},
	codeEventsExpired: {http.StatusGone,
		"Events after this cursor are deleted: they are kept for EVENTS_RETENTION. Read on from oldestCursor."},
	codeUnavailable: {http.StatusServiceUnavailable,
		"The service can't do that at the moment. It is safe to repeat the request."},

	messages.NoticeAlreadyClosed:  {http.StatusConflict, "The ticket is closed already."},
	messages.NoticeAlreadyOpen:    {http.StatusConflict, "The ticket is open already."},
	messages.NoticeTicketIsClosed: {http.StatusConflict, "The ticket is closed. Reopen it first."},
	messages.NoticeMentionUnknown: {http.StatusUnprocessableEntity,
		"The desk does not know this person. They can write /start to the bot, or you can add them with POST /users."},
	messages.NoticeMentionNoGroup: {http.StatusConflict, "This person has no default group. They can send " +
		"/default_group in their group, or you can set it with PUT /users/{id}."},
	messages.NoticeMentionBotOut:   {http.StatusConflict, "The bot is not in this person's default group."},
	messages.NoticeMentionNoTopics: {http.StatusConflict, "This person's default group has no topics."},
	messages.NoticeMentionNoRights: {http.StatusConflict,
		"The bot may not manage topics in this person's default group."},
	messages.NoticeMentionHome: {http.StatusConflict,
		"This person's default group is the ticket's own group, where they can read it."},
	messages.NoticeMentionAlready: {http.StatusConflict, "This person is on the ticket already."},
	messages.NoticeAssignUnknown: {http.StatusUnprocessableEntity, "The desk does not know this person, and they have not " +
		"written on the ticket. They can write /start to the bot, or you can add them with POST /users."},
	messages.NoticeAssignNotTeam: {http.StatusConflict, "This person is not of the desk on this ticket: they opened it, or are " +
		"neither a team member or administrator of one of its groups nor have answered it. Mention them first."},
	messages.NoticeCloseUnclear:    {http.StatusUnprocessableEntity, "A ticket can be set to close at a time to come, at most a year ahead."},
	messages.NoticeCloseUnanswered: {http.StatusConflict, "The customer waits for an answer, so the ticket can't close by itself."},
	messages.NoticeSnoozeUnclear:   {http.StatusUnprocessableEntity, "A ticket can be put aside until a time to come, at most a year ahead."},
	messages.NoticeHoursNotYet:     {http.StatusConflict, "The team always works, so no date can have other hours. Send the hours of a week, too."},
	messages.NoticeMentionBot:      {http.StatusConflict, "Bots can't be mentioned."},
	messages.NoticeLinkAlready:     {http.StatusConflict, "This topic belongs to the ticket already."},
	messages.NoticeLinkOther:       {http.StatusConflict, "This topic belongs to another ticket."},
	messages.NoticeLinkBotOut:      {http.StatusConflict, "The bot is no longer in the ticket's group."},
	messages.NoticeLinkNeedsTopic:  {http.StatusUnprocessableEntity, "Only a topic can be linked."},
	messages.NoticeUnlinkNone:      {http.StatusNotFound, "The ticket has no such link, or the link has ended."},
	messages.NoticeGroupUnregistered: {http.StatusConflict,
		"This group is not registered. An administrator must send /register there."},
	messages.NoticeGroupNeedsTopics: {http.StatusConflict,
		"This group has no topics. An administrator must switch them on."},
	messages.NoticeGroupNeedsRights: {http.StatusConflict,
		"The bot may not manage topics in this group. An administrator must give it that right."},

	messages.ReasonExternalIDTaken: {http.StatusConflict,
		"Another ticket of this API key has this externalId. Find it with GET /tickets?externalId=…"},
	messages.ReasonNoTitle:        {http.StatusUnprocessableEntity, "A ticket needs a title with visible text."},
	messages.ReasonNoSuchMessage:  {http.StatusUnprocessableEntity, "The ticket does not have the message to answer."},
	codeFileRefused:               {http.StatusUnprocessableEntity, "The file is refused; the detail says by which rule."},
	codeNoTopic:                   {http.StatusConflict, "The ticket has no topic in this group, or it is not open yet."},
	messages.NoticeNothingToRetry: {http.StatusConflict, "No copy of this message was given up."},
	codeRange: {http.StatusRequestedRangeNotSatisfiable,
		"The range begins beyond the end of the file."},
	messages.ReasonNoSuchFile: {http.StatusUnprocessableEntity,
		"The ticket does not have this file, or the file is not stored."},
	messages.ReasonListNotServed: {http.StatusUnprocessableEntity, "This combination of filters and order is not " +
		"supported. Supported are, each with or without status: no filter; groupId; createdBy; groupId and createdBy; " +
		"priority; groupId and priority. By lastMessageAt: no filter, or groupId. By waitingSince: " +
		"waitingFor, or waitingFor and groupId. By createdAt: assignee, or assignee and groupId. q and externalId combine " +
		"with any of status, priority, groupId, createdBy, waitingFor and assignee, sorted by createdAt. A time range must be of the time that the list is sorted by."},
	messages.ReasonSearchTooShort: {http.StatusUnprocessableEntity,
		"At least one of the words to search for needs 3 characters or more, or 2 of Chinese, Japanese or Korean."},
	messages.ReasonKeyRevoked: {http.StatusConflict, "This API key is revoked."},
	messages.ReasonKeyShown: {http.StatusConflict,
		"The secret of this API key was shown before. Rotate the key to get another one."},
	messages.ReasonWebhookLimit: {http.StatusConflict,
		"This API key has made as many endpoints as a key may. Delete one, or use another key."},
	messages.ReasonWebhookOff: {http.StatusConflict, "The endpoint is disabled. Enable it first."},
	messages.ReasonEventUnheard: {http.StatusConflict,
		"The endpoint does not hear this event as it is set now. Change its settings first."},
	messages.ReasonReplayRunning: {http.StatusConflict,
		"A replay of this endpoint is running. Wait until it is done, or cancel it."},
	messages.ReasonConsumerLeased: {http.StatusConflict,
		"Another reader has the lease of this consumer. Wait as long as Retry-After says, or use another name."},
	messages.ReasonConsumerLimit: {http.StatusConflict,
		"This API key has as many consumers of the feed as a key may. Delete one that is not used."},
	messages.ReasonUserExists: {http.StatusConflict,
		"The desk knows this person already. Change them with PUT /users/{id}."},
	messages.ReasonUsernameTaken: {http.StatusConflict, "The desk knows somebody else by this username. Only when " +
		"Telegram shows it with another person does it go to them."},
}

// codeOfStatus is the code of a problem of which only the status is known.
func codeOfStatus(status int) string {
	switch status {
	case http.StatusBadRequest:
		return codeBadRequest
	case http.StatusUnauthorized:
		return codeUnauthenticated
	case http.StatusForbidden:
		return codeScopeMissing
	case http.StatusNotFound:
		return codeNotFound
	case http.StatusMethodNotAllowed:
		return codeMethodNotAllowed
	case http.StatusRequestTimeout:
		return codeTimeout
	case http.StatusConflict:
		return codeConflict
	case http.StatusPreconditionFailed:
		return codeStale
	case http.StatusRequestEntityTooLarge:
		return codeTooLarge
	case http.StatusUnsupportedMediaType:
		return codeMediaType
	case http.StatusUnprocessableEntity:
		return codeInvalid
	case http.StatusTooManyRequests:
		return codeRateLimited
	case http.StatusRequestHeaderFieldsTooLarge:
		return codeHeadersTooLarge
	case http.StatusServiceUnavailable:
		return codeUnavailable
	}
	if status < http.StatusInternalServerError {
		return codeBadRequest
	}
	return codeInternal
}

// fieldOf is which field of the body a code is about, wherever it is refused.
var fieldOf = map[string]string{
	messages.ReasonNoTitle:         "/title",
	messages.ReasonExternalIDTaken: "/externalId",
	messages.ReasonNoSuchMessage:   "/replyTo",
	messages.ReasonNoSuchFile:      "/attachmentIds",
	messages.NoticeSnoozeUnclear:   "/snoozedUntil",
	messages.NoticeCloseUnclear:    "/closesAt",
	messages.NoticeCloseUnanswered: "/closesAt",
	messages.NoticeAssignUnknown:   "/assigneeId",
	messages.NoticeAssignNotTeam:   "/assigneeId",
	messages.ReasonUserExists:      "/telegramId",
	messages.ReasonUsernameTaken:   "/username",
}

// pendingAgain is the Retry-After where too much of a ticket waits to be posted, in seconds: a group takes 20 posts a minute.
const pendingAgain = 3

// problem makes the problem of a code, with its usual detail or with the given one, which says more.
func problem(code string, detail ...string) *Problem {
	kind, known := problemKinds[code]
	if !known {
		kind = problemKinds[codeConflict]
	}
	p := newProblem(kind.status, kind.detail)
	p.Code, p.Type = code, problemType(code)
	if len(detail) > 0 {
		p.Detail = detail[0]
	}
	if field := fieldOf[code]; field != "" {
		p.Errors = []FieldError{{In: "body", Pointer: "#" + field, Detail: p.Detail}}
	}
	if kind.status == http.StatusServiceUnavailable || code == codeInProgress {
		p.retryAfter(1)
	}
	if code == messages.ReasonManyPending {
		p.retryAfter(pendingAgain)
	}
	return p
}

func problemType(code string) string { return "urn:topicdesk:problem:" + code }

// invalid is a 422 about one field of the body, as a JSON pointer ("/title").
func invalid(pointer, detail string) *Problem {
	p := problem(codeInvalid)
	p.Errors = []FieldError{{In: "body", Pointer: "#" + pointer, Detail: detail}}
	return p
}

// refusal turns an entity's reply into a problem. It is nil if the entity did not refuse.
func refusal(code messages.Code, reason string) error {
	switch code {
	case messages.Code_OK, messages.Code_DUPLICATE:
		return nil
	case messages.Code_NOT_FOUND:
		return problem(codeNotFound)
	case messages.Code_UNAVAILABLE, messages.Code_NOT_OWNER:
		return problem(codeUnavailable)
	case messages.Code_INTERNAL:
		return problem(codeInternal)
	case messages.Code_CODE_UNSPECIFIED:
		return errors.New("an entity answered without a code")
	}
	if _, known := problemKinds[reason]; known {
		return problem(reason)
	}
	return problem(codeConflict)
}

func (p *Problem) retryAfter(seconds int64) {
	p.header("Retry-After", strconv.FormatInt(max(seconds, 1), 10))
}
