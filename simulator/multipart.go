package simulator

import (
	"errors"
	"io"
	"mime/multipart"
)

// readMultipart reads a form with files, each part within its limit.
func (p *params) readMultipart(r io.Reader, boundary string) error {
	if boundary == "" {
		return errors.New("no multipart boundary")
	}
	left := int64(maxBody)
	mr := multipart.NewReader(r, boundary)
	for n := 0; ; n++ {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.New("can't parse the multipart body")
		}
		if n == maxFields {
			return errors.New("too many parameters")
		}
		name, file := part.FormName(), part.FileName()
		most := min(left, maxField)
		if file != "" {
			most = left
		}
		raw, err := readAll(part, most)
		if err != nil {
			if errors.Is(err, errTooLarge) {
				return err
			}
			return errors.New("can't read the multipart body")
		}
		left -= int64(len(raw))
		if file == "" {
			p.values[name] = value{text: string(raw)}
			continue
		}
		if p.files == nil {
			p.files = map[string]*upload{}
		}
		p.files[name] = &upload{name: file, mime: part.Header.Get("Content-Type"), data: raw}
	}
}
