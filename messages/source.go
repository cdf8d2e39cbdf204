package messages

// SourcesIn returns the sources of what messages on a shelf say of the ticket that has no title yet.
func SourcesIn(shelved []*RecordMessage) (all []*Source) {
	for _, m := range shelved {
		all = append(all, m.GetSources()...)
	}
	return all
}

// Marked returns the part of a description that a source has given.
func (s *Source) Marked() Marked { return Marked{Text: s.GetText(), Entities: s.GetEntities()} }

// WordsOfSources returns the description that sources make.
func WordsOfSources(sources []*Source) (words Marked) {
	for _, s := range sources {
		words = words.Then("\n\n", s.Marked())
	}
	return words
}
