package bot

import (
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// A vector that the SDKs of Mini Apps share.
const (
	vectorToken = "5768337691:AAH5YkoiEuPk8-FZa32hStHTqXiLPtAEhx8"
	vectorData  = "query_id=AAHdF6IQAAAAAN0XohDhrOrc&user=%7B%22id%22%3A279058397%2C%22first_name%22%3A%22Vladislav%22%2C%22last_name%22" +
		"%3A%22Kibenko%22%2C%22username%22%3A%22vdkfrost%22%2C%22language_code%22%3A%22ru%22%2C%22is_premium%22%3Atrue%7D" +
		"&auth_date=1662771648&hash=c501b71e775f74ce10e377dea85a7ea24ecd640b223ea86dfe453e0eaed2e2b2"
)

func signedData(token string, fields url.Values) string {
	var lines []string
	for name, values := range fields {
		lines = append(lines, name+"="+values[0])
	}
	slices.Sort(lines)
	hash := macOf(macOf([]byte("WebAppData"), token), strings.Join(lines, "\n"))
	return fields.Encode() + "&hash=" + hex.EncodeToString(hash)
}

func TestMiniAppOpened(t *testing.T) {
	o, err := miniAppOpened(vectorToken, vectorData)
	if err != nil || o.By.Id != 279058397 || o.By.FirstName != "Vladislav" || o.By.Username != "vdkfrost" || o.At.Unix() != 1662771648 {
		t.Fatal(o, err)
	}
	user := `{"id":7,"first_name":"Ann"}`
	good := url.Values{"user": {user}, "auth_date": {"1662771648"}, "signature": {"x"}}
	if o, err := miniAppOpened(vectorToken, signedData(vectorToken, good)); err != nil || o.By.Id != 7 {
		t.Error("a new field, which is signed as well:", err)
	}
	changed := func(name, value string) string {
		fields := url.Values{"user": {user}, "auth_date": {"1662771648"}}
		fields.Set(name, value)
		return signedData(vectorToken, fields)
	}
	hash := vectorData[strings.Index(vectorData, "&hash="):]
	for name, data := range map[string]string{
		"nothing": "", "no hash": strings.TrimSuffix(vectorData, hash), "garbage": "%zz&&==", "short": vectorData[:len(vectorData)-2],
		"another user":      strings.Replace(vectorData, "279058397", "279058398", 1),
		"another date":      strings.Replace(vectorData, "1662771648", "1962771648", 1),
		"one field more":    vectorData + "&x=1",
		"a second user":     "user=" + url.QueryEscape(user) + "&" + vectorData,
		"a second hash":     vectorData + hash,
		"another hash":      strings.Replace(vectorData, "hash=c5", "hash=c4", 1),
		"no hex":            strings.Replace(vectorData, "hash=c5", "hash=zz", 1),
		"too long":          signedData(vectorToken, url.Values{"user": {user}, "auth_date": {"1"}, "x": {strings.Repeat("x", initDataAtMost)}}),
		"another bot":       signedData(vectorToken+"x", good),
		"no user":           changed("user", ""),
		"user is no JSON":   changed("user", "7"),
		"user 0":            changed("user", `{"id":0}`),
		"a group":           changed("user", `{"id":-5}`),
		"a bot":             changed("user", `{"id":7,"is_bot":true}`),
		"user is too much":  changed("user", `{"id":99999999999999999999}`),
		"no date":           changed("auth_date", ""),
		"date is no number": changed("auth_date", "1e9"),
	} {
		if o, err := miniAppOpened(vectorToken, data); !errors.Is(err, ErrInitData) || o != nil {
			t.Errorf("%s: %v %v", name, o, err)
		}
	}
	if _, err := miniAppOpened("", signedData("", good)); err == nil {
		t.Error("without a token")
	}
}
