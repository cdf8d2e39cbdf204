package simulator

// Seed fills an empty world, once: two forum groups and the people in them, with the bot as administrator.
// A world that has been seeded, or has anybody in it, stays as it is. It is one change: all or nothing.
func (s *Server) Seed() error {
	return s.do(func() error {
		if s.w.seeded || len(s.w.people) > 0 || len(s.w.groups) > 0 {
			return nil
		}
		people := []Person{
			{FirstName: "Alice", LastName: "Morgan", Username: "alice_morgan", LanguageCode: "en"},
			{FirstName: "Somchai", LastName: "Jaidee", Username: "somchai_j", LanguageCode: "th"},
			{FirstName: "สมหญิง", LastName: "ใจงาม", Username: "somying", LanguageCode: "th"},
			{FirstName: "Ben", LastName: "Carter", Username: "ben_carter", LanguageCode: "en"},
			{FirstName: "Narisa", LanguageCode: "th"}, // without a username
			{FirstName: "Dana", LastName: "Lee", Username: "dana_lee", LanguageCode: "en"},
		}
		for i := range people {
			if err := s.addPerson(&people[i]); err != nil {
				return err
			}
		}
		alice, somchai, somying, ben, narisa, dana := people[0].ID, people[1].ID, people[2].ID, people[3].ID, people[4].ID, people[5].ID
		bot := BotRights{Status: Administrator, CanManageTopics: true, CanPinMessages: true}
		support := map[int64]Role{alice: Creator, somchai: Administrator, somying: Member, narisa: Member}
		engineering := map[int64]Role{ben: Creator, dana: Administrator, somchai: Member, narisa: Member}
		if err := s.addGroup(&Group{Title: "Support", Forum: true, Bot: bot}, support); err != nil {
			return err
		}
		if err := s.addGroup(&Group{Title: "Engineering", Forum: true, Bot: bot}, engineering); err != nil {
			return err
		}
		s.w.seeded = true
		s.record(record{Meta: s.meta()})
		return nil
	})
}
