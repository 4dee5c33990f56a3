// Command bare is net/http and pgx with nothing around them: the service's statements, its kind of
// pool, its documents.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const selectOrders = `
select o.id::text, o.customer_id::text, o.status, o.currency, o.total_minor,
       o.created_at, o.updated_at, o.version,
       (select coalesce(json_agg(json_build_object('id', i.id, 'sku', i.sku, 'quantity', i.quantity,
                                                   'unitPriceMinor', i.unit_price_minor)
                                 order by i.position), '[]')
          from order_items i
         where i.tenant_id = o.tenant_id and i.order_id = o.id) as items
  from orders o`

const insertOrder = `
with placed as (
  insert into orders (tenant_id, id, customer_id, status, currency, total_minor,
                      created_at, updated_at, version)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
)
insert into order_items (tenant_id, id, order_id, position, sku, quantity, unit_price_minor)
select $1, item.id, $2, item.position, item.sku, item.quantity, item.unit_price_minor
  from unnest($10::uuid[], $11::text[], $12::integer[], $13::bigint[])
       with ordinality as item (id, sku, quantity, unit_price_minor, position)`

type item struct {
	ID             string `json:"id"`
	SKU            string `json:"sku"`
	Quantity       int32  `json:"quantity"`
	UnitPriceMinor int64  `json:"unitPriceMinor"`
}

type order struct {
	ID         string    `json:"id"`
	CustomerID string    `json:"customerId"`
	Status     string    `json:"status"`
	Currency   string    `json:"currency"`
	TotalMinor int64     `json:"totalMinor"`
	Items      []item    `json:"items"`
	CreatedAt  time.Time `json:"createdAt"`
	UpdatedAt  time.Time `json:"updatedAt"`
	Version    int32     `json:"version"`
}

type page struct {
	Items      []order `json:"items"`
	NextCursor *string `json:"nextCursor"`
}

type handlers struct {
	pool   *pgxpool.Pool
	tenant string
}

func main() {
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	connections, err := strconv.ParseInt(os.Getenv("DATABASE_POOL_MAX"), 10, 32)
	if err != nil {
		log.Fatal(err)
	}
	config.MaxConns = int32(connections)
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		log.Fatal(err)
	}
	h := handlers{pool: pool, tenant: os.Getenv("TENANT")}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/orders/{id}", h.read)
	mux.HandleFunc("GET /v1/orders", h.list)
	mux.HandleFunc("POST /v1/orders", h.create)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), mux))
}

func (h handlers) read(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	rows, err := h.pool.Query(r.Context(), selectOrders+" where o.tenant_id = $1 and o.id = $2", h.tenant, id)
	if err != nil {
		fail(w, err)
		return
	}
	found, err := pgx.CollectRows(rows, scan)
	switch {
	case err != nil:
		fail(w, err)
	case len(found) == 0:
		http.NotFound(w, r)
	default:
		answer(w, http.StatusOK, found[0])
	}
}

func (h handlers) list(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 || limit > 100 {
		http.Error(w, "limit", http.StatusBadRequest)
		return
	}
	rows, err := h.pool.Query(r.Context(),
		selectOrders+" where o.tenant_id = $1 order by o.id desc limit $2", h.tenant, limit+1)
	if err != nil {
		fail(w, err)
		return
	}
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		fail(w, err)
		return
	}
	reply := page{Items: found}
	if len(found) > limit {
		reply.Items = found[:limit]
		reply.NextCursor = &found[limit-1].ID
	}
	answer(w, http.StatusOK, reply)
}

func (h handlers) create(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		CustomerID uuid.UUID `json:"customerId"`
		Currency   string    `json:"currency"`
		Items      []item    `json:"items"`
	}
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	now := time.Now().UTC()
	made := order{
		ID: newID(), CustomerID: wanted.CustomerID.String(), Status: "pending", Currency: wanted.Currency,
		Items: wanted.Items, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	count := len(made.Items)
	ids, skus := make([]string, count), make([]string, count)
	quantities, prices := make([]int32, count), make([]int64, count)
	for n := range made.Items {
		line := &made.Items[n]
		line.ID = newID()
		made.TotalMinor += int64(line.Quantity) * line.UnitPriceMinor
		ids[n], skus[n], quantities[n], prices[n] = line.ID, line.SKU, line.Quantity, line.UnitPriceMinor
	}
	err := pgx.BeginFunc(r.Context(), h.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(r.Context(), insertOrder, h.tenant, made.ID, made.CustomerID, made.Status,
			made.Currency, made.TotalMinor, made.CreatedAt, made.UpdatedAt, made.Version,
			ids, skus, quantities, prices)
		return err
	})
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusCreated, made)
}

func scan(row pgx.CollectableRow) (order, error) {
	var o order
	err := row.Scan(&o.ID, &o.CustomerID, &o.Status, &o.Currency, &o.TotalMinor,
		&o.CreatedAt, &o.UpdatedAt, &o.Version, &o.Items)
	o.CreatedAt, o.UpdatedAt = o.CreatedAt.UTC(), o.UpdatedAt.UTC()
	return o, err
}

func newID() string {
	return uuid.Must(uuid.NewV7()).String()
}

func answer(w http.ResponseWriter, status int, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func fail(w http.ResponseWriter, err error) {
	log.Print(err)
	http.Error(w, "internal", http.StatusInternalServerError)
}
