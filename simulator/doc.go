// Package simulator is a Bot API server in a box: it plays Telegram for one bot, and lets tests, benchmarks and a web
// page play the people in the groups. It refuses what Telegram refuses, in Telegram's words. It imports nothing of the
// project and must not know what the bot is for.
//
// # For bots
//
// /bot<token>/<method> and /file/bot<token>/<path>, as at api.telegram.org: GET and POST, with query, form, multipart
// or JSON. Parameters are checked against the table in schema.txt; unlike the real server, unknown parameters are
// refused, unless Options.Lenient is set.
//
// # For people: Go
//
// New, AddPerson, AddGroup, SetMember, SetBot, Post, Edit, React, Press, CreateTopic and the like change the world;
// Messages, Topics, Calls and Pending read it; Await waits until it looks as wanted; Inject orders faults.
//
// # For people: HTTP
//
// JSON under /sim/, for the page at / and for other processes. Only requests whose Host is loopback are served,
// unless Options.AnyHost is set. Errors are {"error":"plain words"} with a 4xx status.
//
//	GET    /sim/state                          bot, people, groups (members, topics with the latest message of each, the
//	                                           bot's rights), flood, faults
//	GET    /sim/messages?chat=&thread=&after=  a transcript, oldest first; thread=-1 or none: the whole chat; chat may be a person
//	GET    /sim/events                         server-sent events: message, edit, delete, reaction, topic, group, people, answer, call, clock
//	GET    /sim/initdata?person=               initData: what Telegram gives to a Mini App that the person opens
//	GET    /sim/file?id=                       the content of a file
//	GET    /sim/calls                          the latest Bot API calls
//	POST   /sim/people                         {id?, firstName, lastName?, username?, languageCode?}
//	POST   /sim/groups                         {id?, title, username?, isForum, basic?, bot?}
//	POST   /sim/members                        {chat, person, role}: creator, administrator, member, left, kicked
//	POST   /sim/bot                            {chat, status, canManageTopics, canPinMessages, canDeleteMessages}
//	POST   /sim/post                           {from, chat, thread?, text, entities?, replyTo?, replyChat?, quote?, anonymous?,
//	                                           media?, linkPreview?}
//	POST   /sim/edit                           {from, chat, message, text, entities?}
//	POST   /sim/look                           {from, chat, message, linkPreview?, spoiler?, captionAbove?}: edits nothing else
//	POST   /sim/delete                         {from, chat, message}
//	POST   /sim/pin                            {from, chat, message}
//	POST   /sim/react                          {from, chat, message, emoji}: an empty emoji takes the reaction back
//	POST   /sim/press                          {from, chat, message, data}
//	POST   /sim/topics                         {chat, from, name}; /edit, /close, /reopen, /delete: {chat, from, thread, name?}
//	POST   /sim/topics/switch                  {chat, on}: whether a group, or a person's private chat, has topics
//	POST   /sim/seed                           fills an empty world
//	POST   /sim/block                          {person, blocked}
//	POST   /sim/migrate                        {chat}: the answer has the new id
//	POST   /sim/update                         any JSON object, queued as an update as it is
//	GET, POST, DELETE /sim/faults              list, add one, clear
//	POST   /sim/flood                          {on}
//	POST   /sim/clock                          {minutes}: moves the clock forward, where Options.Clock is set
//
// # Where it is not Telegram
//
// One bot, one process, and no channels of their own. Known methods that nobody needed yet answer 501. Files are never
// fetched from a URL. Webhooks may be http. Unknown parameters are refused (Options.Lenient). A forum that migrates keeps
// its topics and message ids under the new chat id, whereas Telegram upgrades only groups that have neither. Flood
// control is what Telegram's FAQ says: 30/s over all and 20/min in a group as exact sliding windows, 1/s in a chat as a
// bucket with bursts of 5; the real limits are unpublished. A chat whose retry_after runs is closed to all calls but
// get…, and each such call is kept as a Violation.
package simulator
