package simulator

// Seed fills an empty world, once: two forum groups and the people in them, and the bot made administrator of both, of which
// it hears as from Telegram. Then those who help in the second group write first there, one line each: what a bot's people
// would have to tell it before anything else. A world that has been seeded, or has anybody in it, stays as it is. It is one
// change: all or nothing.
func (s *Server) Seed(first ...string) error {
	return s.do(func() error {
		if s.w.seeded || len(s.w.people) > 0 || len(s.w.groups) > 0 {
			return nil
		}
		people := []Person{
			{FirstName: "Alice", LastName: "Morgan", Username: "alice_morgan", LanguageCode: "en"},
			{FirstName: "Grace", LastName: "Hill", Username: "grace_hill", LanguageCode: "en"},
			{FirstName: "สมหญิง", LastName: "ใจงาม", Username: "somying", LanguageCode: "th"},
			{FirstName: "Dana", LastName: "Lee", Username: "dana_lee", LanguageCode: "en"},
			{FirstName: "Ben", LastName: "Carter", Username: "ben_carter", LanguageCode: "en"},
			{FirstName: "Narisa", LanguageCode: "th"}, // without a username
		}
		for i := range people {
			if err := s.addPerson(&people[i]); err != nil {
				return err
			}
		}
		alice, grace, somying, dana, ben, narisa := people[0].ID, people[1].ID, people[2].ID, people[3].ID, people[4].ID, people[5].ID
		if _, err := s.seedGroup("Support", map[int64]Role{alice: Creator, grace: Member, somying: Member, narisa: Member}); err != nil {
			return err
		}
		engineering, err := s.seedGroup("Engineering", map[int64]Role{dana: Creator, ben: Member, narisa: Member})
		if err != nil {
			return err
		}
		for _, text := range first {
			for _, person := range []int64{ben, dana} {
				if _, err := s.post(Post{From: person, Chat: engineering, Text: text}); err != nil {
					return err
				}
			}
		}
		s.w.seeded = true
		s.record(record{Meta: s.meta()})
		return nil
	})
}

// seedGroup makes a forum to which the bot is added as an administrator.
func (s *Server) seedGroup(title string, members map[int64]Role) (int64, error) {
	g := Group{Title: title, Forum: true}
	if err := s.addGroup(&g, members); err != nil {
		return 0, err
	}
	return g.ID, s.setBot(g.ID, Administrator, BotRights{CanManageTopics: true, CanPinMessages: true, CanDeleteMessages: true})
}
