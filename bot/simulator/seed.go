package simulator

// Seed fills an empty world, once: two forum groups and the people in them, with the bot as administrator.
// A world that has been seeded, or has anybody in it, stays as it is.
func (s *Server) Seed() error {
	s.mu.Lock()
	skip := s.w.seeded || len(s.w.people) > 0 || len(s.w.groups) > 0
	s.mu.Unlock()
	if skip {
		return nil
	}
	var ids []int64
	for _, p := range []Person{
		{FirstName: "Alice", LastName: "Morgan", Username: "alice_morgan", LanguageCode: "en"},
		{FirstName: "Somchai", LastName: "Jaidee", Username: "somchai_j", LanguageCode: "th"},
		{FirstName: "สมหญิง", LastName: "ใจงาม", Username: "somying", LanguageCode: "th"},
		{FirstName: "Ben", LastName: "Carter", Username: "ben_carter", LanguageCode: "en"},
		{FirstName: "Narisa", LanguageCode: "th"}, // without a username
		{FirstName: "Dana", LastName: "Lee", Username: "dana_lee", LanguageCode: "en"},
	} {
		p, err := s.AddPerson(p)
		if err != nil {
			return err
		}
		ids = append(ids, p.ID)
	}
	rights := BotRights{Status: Administrator, CanManageTopics: true, CanPinMessages: true}
	for _, g := range []struct {
		title string
		roles map[int]Role
	}{
		{"Support", map[int]Role{0: Creator, 1: Administrator, 2: Member, 4: Member}},
		{"Engineering", map[int]Role{3: Creator, 5: Administrator, 1: Member, 4: Member}},
	} {
		group, err := s.AddGroup(Group{Title: g.title, Forum: true, Bot: rights})
		if err != nil {
			return err
		}
		if err := s.seedMembers(group.ID, ids, g.roles); err != nil {
			return err
		}
	}
	return s.do(func() error {
		s.w.seeded = true
		s.record(record{Meta: s.meta()})
		return nil
	})
}

// seedMembers sets roles without updates: these people have always been there.
func (s *Server) seedMembers(chatID int64, ids []int64, roles map[int]Role) error {
	return s.do(func() error {
		c, err := s.w.chatFor(chatID)
		if err != nil {
			return err
		}
		m := map[int64]Role{}
		for i, id := range ids {
			if r, ok := roles[i]; ok {
				m[id] = r
			}
		}
		c.members = m
		s.saveGroup(c)
		return nil
	})
}
