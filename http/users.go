package httpedge

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// User is a person as the API shows them.
type User struct {
	TelegramID     int64     `json:"telegramId" doc:"The person's id in Telegram." example:"4711"`
	Username       string    `json:"username" doc:"Their username in Telegram, without @." example:"ben_c"`
	FirstName      string    `json:"firstName" example:"Ben"`
	LastName       string    `json:"lastName" example:"Carter"`
	IsBot          bool      `json:"isBot" doc:"Whether this is a bot."`
	DefaultGroupID *int64    `json:"defaultGroupId" doc:"Telegram id of the person's default group, in which a topic opens when they are mentioned. null: they can't be mentioned." example:"-1001234567890"`
	CreatedAt      view.Time `json:"createdAt" doc:"When the desk first met the person."`
	UpdatedAt      view.Time `json:"updatedAt" doc:"When the desk last changed this record."`
}

const aboutUsers = " A key that is bound to a group sees only the people whose default group it is."

func (a *API) userOperations() {
	register(a, op{
		id: "listUsers", method: http.MethodGet, path: "/users",
		tag: tagPeople, summary: "List people", scope: "users:read",
		codes:       []string{codeGroupUnknown},
		description: "Lists the people that the desk knows, sorted by Telegram id." + aboutUsers,
		answer:      exampleList(exampleUser()),
	}, a.listUsers)
	register(a, op{
		id: "createUser", method: http.MethodPost, path: "/users",
		tag: tagPeople, summary: "Add a person", scope: "users:write",
		status: http.StatusCreated, codes: []string{messages.ReasonUserExists, messages.ReasonUsernameTaken, codeGroupUnknown},
		description: "Makes a person known before they have written to the bot. With a default group they can be " +
			"mentioned on tickets. When they write to the bot, their names in Telegram replace these." + aboutUsers,
		request: map[string]any{"telegramId": 4711, "username": "ben_c", "firstName": "Ben", "lastName": "Carter",
			"defaultGroupId": -1001234567890},
		answer: exampleUser(),
	}, a.createUser)
	register(a, op{
		id: "getUser", method: http.MethodGet, path: "/users/{id}",
		tag: tagPeople, summary: "Get a person", scope: "users:read",
		description: "Returns what the desk knows of a person." + aboutUsers, answer: exampleUser(),
	}, a.getUser)
	register(a, op{
		id: "updateUser", method: http.MethodPut, path: "/users/{id}",
		tag: tagPeople, summary: "Change a person", scope: "users:write",
		codes: []string{messages.ReasonUsernameTaken, codeGroupUnknown},
		description: "Changes the fields that are sent and leaves the others as they are. `defaultGroupId: null` removes " +
			"the default group." + aboutUsers,
		request: map[string]any{"defaultGroupId": -1001234567890}, answer: exampleUser(),
	}, a.updateUser)
	register(a, op{
		id: "deleteUser", method: http.MethodDelete, path: "/users/{id}",
		tag: tagPeople, summary: "Forget a person", scope: "users:write",
		status: http.StatusNoContent,
		description: "Deletes what is known of a person, until they write to the bot again. Their tickets and messages " +
			"stay, and show their name." + aboutUsers,
	}, a.deleteUser)
}

type listUsersInput struct {
	PageInput
	Username string `query:"username" maxLength:"33" doc:"Only the person with this username, in any case, with or without @."`
	Group    int64  `query:"defaultGroupId" doc:"Only people with this default group, by its Telegram id."`
}

type userListOutput struct {
	Body List[User]
}

func (a *API) listUsers(ctx context.Context, c *call, in *listUsersInput) (*userListOutput, error) {
	m := &messages.ListUsers{GroupId: c.key.GroupId, Limit: int32(in.Limit + 1),
		Username: strings.TrimPrefix(in.Username, "@")}
	list := "users/" + strconv.FormatInt(in.Group, 10) + "/" + in.Username
	if in.Group != 0 {
		place, err := a.place(ctx, c, in.Group)
		if err != nil {
			return nil, unknownGroupIn(err, "defaultGroupId")
		}
		m.GroupId = place
	}
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &m.After); err != nil {
			return nil, err
		}
	}
	found, err := ask[*messages.UserList](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	key := func(u *messages.UserRecord) any { return u.Person.Id }
	return &userListOutput{Body: listOf(found.Users, in.Limit, list, key, userOf)}, nil
}

// UserFields are the fields of a person that a program may set.
type UserFields struct {
	Username       *string         `json:"username,omitempty" pattern:"^@?[A-Za-z0-9_]{0,32}$" doc:"Their username in Telegram, with or without @." example:"ben_c"`
	FirstName      *string         `json:"firstName,omitempty" maxLength:"64" example:"Ben"`
	LastName       *string         `json:"lastName,omitempty" maxLength:"64" example:"Carter"`
	DefaultGroupID Optional[int64] `json:"defaultGroupId,omitempty" doc:"Telegram id of the person's default group, in which a topic opens when they are mentioned."`
}

type createUserInput struct {
	Body struct {
		TelegramID int64 `json:"telegramId" minimum:"1" maximum:"4503599627370495" doc:"The person's id in Telegram." example:"4711"`
		UserFields
	}
}

type userOutput struct {
	Body User
}

type createdUserOutput struct {
	Location string `header:"Location" doc:"The path of the person."`
	Body     User
}

func (a *API) createUser(ctx context.Context, c *call, in *createUserInput) (*createdUserOutput, error) {
	put, err := a.putUser(ctx, c, &in.Body.UserFields)
	if err != nil {
		return nil, err
	}
	put.Create = true
	if c.key.GroupId != "" && put.DefaultGroupId == nil { // else the key could not see the person that it added
		put.DefaultGroupId = &c.key.GroupId
	}
	id := strconv.FormatInt(in.Body.TelegramID, 10)
	record, err := ask[*messages.UserRecord](ctx, a, messages.KindUser, id, put)
	if err != nil {
		return nil, err
	}
	return &createdUserOutput{Location: apiPrefix + "/users/" + id, Body: userOf(record)}, nil
}

// putUser makes the command that sets the fields that were sent.
func (a *API) putUser(ctx context.Context, c *call, f *UserFields) (*messages.PutUser, error) {
	put := &messages.PutUser{Origin: c.origin(), FirstName: f.FirstName, LastName: f.LastName,
		OnlyGroupId: c.key.GroupId}
	if f.Username != nil {
		name := strings.TrimPrefix(*f.Username, "@")
		put.Username = &name
	}
	switch g := f.DefaultGroupID; {
	case g.Null:
		none := ""
		put.DefaultGroupId = &none
	case g.Sent:
		place, err := a.place(ctx, c, g.Value)
		if err != nil {
			return nil, unknownGroup(err, "/defaultGroupId")
		}
		put.DefaultGroupId = &place
	}
	return put, nil
}

// UserPath names a person in the path.
type UserPath struct {
	ID int64 `path:"id" minimum:"1" maximum:"4503599627370495" doc:"The person's id in Telegram." example:"4711"`
}

func (in *UserPath) identity() string { return strconv.FormatInt(in.ID, 10) }

func (a *API) getUser(ctx context.Context, c *call, in *UserPath) (*userOutput, error) {
	m := &messages.GetUserRecord{UserId: in.ID, OnlyGroupId: c.key.GroupId}
	record, err := ask[*messages.UserRecord](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: userOf(record)}, nil
}

type updateUserInput struct {
	UserPath
	Body UserFields
}

func (a *API) updateUser(ctx context.Context, c *call, in *updateUserInput) (*userOutput, error) {
	if _, err := a.getUser(ctx, c, &in.UserPath); err != nil {
		return nil, err // so no entity is started for an id that somebody made up
	}
	put, err := a.putUser(ctx, c, &in.Body)
	if err != nil {
		return nil, err
	}
	put.MustExist = true
	record, err := ask[*messages.UserRecord](ctx, a, messages.KindUser, in.identity(), put)
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: userOf(record)}, nil
}

func (a *API) deleteUser(ctx context.Context, c *call, in *UserPath) (*struct{}, error) {
	if _, err := a.getUser(ctx, c, in); err != nil {
		return nil, err
	}
	m := &messages.DeleteUser{Origin: c.origin(), OnlyGroupId: c.key.GroupId}
	_, err := ask[*messages.Reply](ctx, a, messages.KindUser, in.identity(), m)
	return nil, err
}

func userOf(r *messages.UserRecord) User {
	p := r.Person
	u := User{TelegramID: p.Id, Username: p.Username, FirstName: p.FirstName, LastName: p.LastName, IsBot: p.IsBot,
		CreatedAt: view.At(r.CreatedMs), UpdatedAt: view.At(r.UpdatedMs)}
	if r.DefaultChatId != 0 {
		u.DefaultGroupID = &r.DefaultChatId
	}
	return u
}

func exampleUser() User {
	group := int64(-1001234567890)
	return User{TelegramID: 4711, Username: "ben_c", FirstName: "Ben", LastName: "Carter", DefaultGroupID: &group,
		CreatedAt: view.ExampleTime, UpdatedAt: view.ExampleTime}
}
