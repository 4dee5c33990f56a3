// Package redis holds what all processes of the service share: the rate limit, and a cache of what is
// read far more often than it changes. The service goes on without it.
package redis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	connectTimeout = time.Second
	firstDelay     = 50 * time.Millisecond
	lastDelay      = time.Second
)

var errNotAsked = errors.New("not asked yet")

// Away says that Redis does not answer, or refuses; do without it.
type Away struct {
	Cause error
}

func (e Away) Error() string { return "redis is away: " + e.Cause.Error() }

func (e Away) Unwrap() error { return e.Cause }

// StoreOptions are how a store talks to Redis, and whom it tells.
type StoreOptions struct {
	// Prefix begins every key, so that services can share a database.
	Prefix string
	// Timeout is what a request may lose to Redis, once: after a command that took longer none is sent
	// until Redis has answered the store itself.
	Timeout time.Duration
	// OnChange is called with the error when Redis is away, with nil when it answers (again).
	OnChange func(error)
}

// Store is one Redis database: every command is bounded, and while Redis is away none is sent.
type Store struct {
	options StoreOptions
	client  *driver.Client
	closed  context.Context
	close   context.CancelFunc

	mutex sync.Mutex
	up    bool
	// era counts how often Redis came back: what fails in an earlier one says nothing about this one.
	era       int
	lastError error
	// undeleted are keys whose deletion has not reached Redis, and when what they held is gone by itself.
	undeleted map[string]time.Time
}

// NewStore makes a store; it connects when it is started.
func NewStore(address Address, options StoreOptions) *Store {
	driver.SetLogger(silence{}) // what breaks is told by the commands that fail
	closed, closeStore := context.WithCancel(context.Background())
	return &Store{
		options: options,
		client: driver.NewClient(&driver.Options{
			Addr:                  address.hostPort(),
			DB:                    address.database,
			Username:              address.username,
			Password:              address.password,
			TLSConfig:             address.tls(),
			DialTimeout:           connectTimeout,
			ReadTimeout:           options.Timeout,
			WriteTimeout:          options.Timeout,
			PoolTimeout:           options.Timeout,
			ContextTimeoutEnabled: true,
			// Nothing is tried twice: by then the request could have its answer without.
			MaxRetries:               -1,
			DisableIdentity:          true,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		}),
		closed:    closed,
		close:     closeStore,
		lastError: errNotAsked,
		undeleted: make(map[string]time.Time),
	}
}

// Start connects, or goes on trying in the background.
func (s *Store) Start() {
	if !s.ask() {
		go s.recover()
	}
}

// Close closes the connections; a server that does not answer is not waited for.
func (s *Store) Close() {
	s.close()
	s.mutex.Lock()
	s.up = false
	s.mutex.Unlock()
	_ = s.client.Close() // nothing is waiting for it
}

// Up reports whether Redis answered lately.
func (s *Store) Up() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.up
}

// Key is the key of something: a digest, since parts may be addresses and names of people.
func (s *Store) Key(kind string, parts ...string) string {
	digest := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return s.options.Prefix + ":" + kind + ":" + hex.EncodeToString(digest[:16])
}

// Run runs a script on a key, as a whole, between the commands of all other clients; what it returns. The
// error is Away, at once while Redis is away, else after the timeout at the latest.
func (s *Store) Run(ctx context.Context, script *driver.Script, key string, values ...any) (any, error) {
	era, err := s.present()
	if err != nil {
		return nil, err
	}
	// A caller who goes away is not Redis' fault: its command is bounded by the timeout alone.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Timeout)
	defer cancel()
	result, err := script.Run(limited, s.client, []string{key}, values...).Result()
	if err != nil {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.lose(era, err)
		return nil, Away{Cause: err}
	}
	return result, nil
}

// Delete deletes a key whose value lives so long at most; false when Redis is away. Then it is deleted as
// soon as Redis answers, before this process uses anything from there.
func (s *Store) Delete(ctx context.Context, key string, lives time.Duration) bool {
	s.mutex.Lock()
	if !s.up {
		s.undeleted[key] = time.Now().Add(lives)
		s.mutex.Unlock()
		return false
	}
	s.mutex.Unlock()
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Timeout)
	defer cancel()
	err := s.client.Del(limited, key).Err()
	if err != nil {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.undeleted[key] = time.Now().Add(lives)
		s.lose(s.era, err)
	}
	return err == nil
}

// present gives the era, while Redis is there.
func (s *Store) present() (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.up {
		return 0, Away{Cause: s.lastError}
	}
	return s.era, nil
}

// lose sends nothing more until Redis answers; called with the mutex held.
func (s *Store) lose(era int, err error) {
	if era != s.era || !s.up || s.closed.Err() != nil {
		return
	}
	s.up = false
	s.note(err)
	go s.recover()
}

func (s *Store) recover() {
	for delay := firstDelay; !s.ask(); delay = min(2*delay, lastDelay) {
		jittered := time.Duration(float64(delay) * (0.8 + 0.4*rand.Float64()))
		select {
		case <-s.closed.Done():
			return
		case <-time.After(jittered):
		}
	}
}

// ask asks once whether Redis is there and takes writes, and uses it from now on if it does.
func (s *Store) ask() bool {
	ctx, cancel := context.WithTimeout(s.closed, connectTimeout)
	defer cancel()
	err := s.client.Set(ctx, s.options.Prefix+":probe", "", time.Second).Err()
	for err == nil {
		late := s.stillUndeleted()
		if late == nil {
			return true
		}
		if err = s.client.Del(ctx, sortedKeys(late)...).Err(); err == nil {
			s.deleted(late)
		}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.forgetGone()
	s.note(err)
	return false
}

// stillUndeleted gives the keys that are to be deleted before Redis is used; when there are none, it is
// used from now on.
func (s *Store) stillUndeleted() map[string]time.Time {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.forgetGone()
	if len(s.undeleted) > 0 {
		return maps.Clone(s.undeleted)
	}
	if s.closed.Err() == nil {
		s.up = true
		s.era++
		s.note(nil)
	}
	return nil
}

// forgetGone forgets the deletions that time has made, so that a long outage fills no memory; called with
// the mutex held.
func (s *Store) forgetGone() {
	now := time.Now()
	maps.DeleteFunc(s.undeleted, func(_ string, gone time.Time) bool { return !gone.After(now) })
}

func (s *Store) deleted(late map[string]time.Time) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for key, gone := range late {
		if s.undeleted[key].Equal(gone) { // else it was changed once more meanwhile
			delete(s.undeleted, key)
		}
	}
}

// note tells once how Redis was found at first, and each outage and its end; called with the mutex held.
func (s *Store) note(err error) {
	if s.closed.Err() != nil {
		return
	}
	before := s.lastError
	s.lastError = err
	if errors.Is(before, errNotAsked) || (before == nil) != (err == nil) {
		s.options.OnChange(err)
	}
}

func sortedKeys(keys map[string]time.Time) []string {
	return slices.Sorted(maps.Keys(keys))
}

// silence is the log of the driver.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}
