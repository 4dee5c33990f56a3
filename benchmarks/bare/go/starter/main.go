// Command starter answers the same requests as services are often started with: gin with its default
// middlewares (log line and recovery), and GORM with the calls of its documentation (Preload, Create).
package main

import (
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Item is a row of order_items.
type Item struct {
	TenantID       string    `gorm:"primaryKey" json:"-"`
	OrderID        uuid.UUID `gorm:"primaryKey;type:uuid" json:"-"`
	Position       int       `gorm:"primaryKey" json:"-"`
	ID             uuid.UUID `gorm:"type:uuid" json:"id"`
	SKU            string    `gorm:"column:sku" json:"sku" binding:"required,max=64"`
	Quantity       int32     `json:"quantity" binding:"min=1,max=10000"`
	UnitPriceMinor int64     `json:"unitPriceMinor" binding:"min=0"`
}

// TableName is order_items.
func (Item) TableName() string { return "order_items" }

// Order is a row of orders.
type Order struct {
	TenantID   string    `gorm:"primaryKey" json:"-"`
	ID         uuid.UUID `gorm:"primaryKey;type:uuid" json:"id"`
	CustomerID uuid.UUID `gorm:"type:uuid" json:"customerId"`
	Status     string    `json:"status"`
	Currency   string    `json:"currency"`
	TotalMinor int64     `json:"totalMinor"`
	Items      []Item    `gorm:"foreignKey:TenantID,OrderID;references:TenantID,ID" json:"items"`
	CreatedAt  time.Time `json:"createdAt"`
	UpdatedAt  time.Time `json:"updatedAt"`
	Version    int32     `json:"version"`
}

func main() {
	db, err := gorm.Open(postgres.Open(os.Getenv("DATABASE_URL")),
		&gorm.Config{Logger: logger.Default.LogMode(logger.Warn)})
	if err != nil {
		log.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		log.Fatal(err)
	}
	connections, err := strconv.Atoi(os.Getenv("DATABASE_POOL_MAX"))
	if err != nil {
		log.Fatal(err)
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	tenant := os.Getenv("TENANT")

	gin.SetMode(gin.ReleaseMode)
	router := gin.Default()
	router.GET("/v1/orders/:id", func(c *gin.Context) {
		id, err := uuid.Parse(c.Param("id"))
		if err != nil {
			c.Status(http.StatusNotFound)
			return
		}
		var found Order
		if err := orders(db, tenant).First(&found, "id = ?", id).Error; err != nil {
			c.JSON(http.StatusNotFound, gin.H{"error": err.Error()})
			return
		}
		c.JSON(http.StatusOK, utc(found))
	})
	router.GET("/v1/orders", func(c *gin.Context) {
		var query struct {
			Limit int `form:"limit,default=20" binding:"min=1,max=100"`
		}
		if err := c.ShouldBindQuery(&query); err != nil {
			c.JSON(http.StatusBadRequest, gin.H{"error": err.Error()})
			return
		}
		var found []Order
		if err := orders(db, tenant).Order("id desc").Limit(query.Limit).Find(&found).Error; err != nil {
			c.JSON(http.StatusInternalServerError, gin.H{"error": err.Error()})
			return
		}
		for n := range found {
			found[n] = utc(found[n])
		}
		c.JSON(http.StatusOK, gin.H{"items": found, "nextCursor": nil})
	})
	router.POST("/v1/orders", func(c *gin.Context) {
		var wanted struct {
			CustomerID uuid.UUID `json:"customerId" binding:"required"`
			Currency   string    `json:"currency" binding:"required,len=3"`
			Items      []Item    `json:"items" binding:"required,min=1,max=100,dive"`
		}
		if err := c.ShouldBindJSON(&wanted); err != nil {
			c.JSON(http.StatusUnprocessableEntity, gin.H{"error": err.Error()})
			return
		}
		now := time.Now().UTC()
		made := Order{
			TenantID: tenant, ID: uuid.Must(uuid.NewV7()), CustomerID: wanted.CustomerID, Status: "pending",
			Currency: wanted.Currency, Items: wanted.Items, CreatedAt: now, UpdatedAt: now, Version: 1,
		}
		for n := range made.Items {
			line := &made.Items[n]
			line.TenantID, line.ID, line.Position = tenant, uuid.Must(uuid.NewV7()), n+1
			made.TotalMinor += int64(line.Quantity) * line.UnitPriceMinor
		}
		if err := db.WithContext(c).Create(&made).Error; err != nil {
			c.JSON(http.StatusInternalServerError, gin.H{"error": err.Error()})
			return
		}
		c.JSON(http.StatusCreated, made)
	})
	log.Fatal(router.Run("127.0.0.1:" + os.Getenv("PORT")))
}

func orders(db *gorm.DB, tenant string) *gorm.DB {
	return db.Preload("Items", func(lines *gorm.DB) *gorm.DB { return lines.Order("position") }).
		Where("tenant_id = ?", tenant)
}

func utc(order Order) Order {
	order.CreatedAt, order.UpdatedAt = order.CreatedAt.UTC(), order.UpdatedAt.UTC()
	return order
}
