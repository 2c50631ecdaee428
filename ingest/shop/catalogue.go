package shop

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"clickstream/internal/event"
)

type product struct {
	id       string
	category string
	brand    string
	price    int64
	toCart   float64 // part of its views that put it into the cart
}

func (p *product) describe(e *event.Event) {
	e.ProductID, e.ProductCategory, e.Brand = p.id, p.category, p.brand
	e.Price, e.HasPrice, e.Currency = p.price, true, "EUR"
	e.PageURL = "/p/" + p.id
}

// catalogue is what the shop sells, the most popular first; the product in
// the flash sale is the last, which visitors do not come to by chance.
type catalogue struct {
	products []product
	onSale   int
	upTo     []float64 // the popularity of each product and all before it together
}

func (c *catalogue) sale() *product { return &c.products[c.onSale] }

func (c *catalogue) pick(rnd *rand.Rand) *product {
	at := rnd.Float64() * c.upTo[len(c.upTo)-1]
	i, _ := slices.BinarySearch(c.upTo, at)
	return &c.products[min(i, len(c.upTo)-1)]
}

var categories = []struct {
	name   string
	price  float64 // in the middle
	brands []string
}{
	{"electronics.phone", 420, []string{"Nordlys", "Pixon", "Aurea"}},
	{"electronics.audio", 85, []string{"Klangwerk", "Pixon", "Sonora"}},
	{"computers.notebook", 950, []string{"Aurea", "Tecton"}},
	{"appliances.kitchen", 120, []string{"Hearth", "Bellavia", "Tecton"}},
	{"furniture.living_room", 310, []string{"Lund", "Casamia"}},
	{"apparel.shoes", 75, []string{"Velo", "Marsh", "Stride"}},
	{"apparel.jacket", 110, []string{"Marsh", "Fjell"}},
	{"beauty.skincare", 24, []string{"Lumi", "Rosalba"}},
	{"sport.outdoor", 60, []string{"Fjell", "Stride"}},
	{"kids.toys", 28, []string{"Bricko", "Lumi"}},
	{"books.fiction", 14, nil},
}

// danger are the views in ten minutes from which on a product that hardly
// sells could look like a flash sale; soldThen is what it sells in that time.
const (
	danger   = 55
	soldThen = 20
)

// makeCatalogue makes up products of which the shop sees so many views in ten
// minutes altogether. About 3% of views end in a purchase; bestsellers sell
// better, so that only the flash sale has many views and hardly a purchase. The
// goods are the same whatever the seed: traffic that goes on after a pause is
// the same shop's.
func makeCatalogue(products int, viewsIn10Minutes float64) catalogue {
	rnd := rand.New(rand.NewPCG(0, 0x676f6f6473))
	c := catalogue{products: make([]product, products), onSale: products - 1}
	total := 0.0
	for i := range c.products {
		cat := categories[rnd.IntN(len(categories))]
		p := product{
			id:       fmt.Sprintf("p%05d", 10001+i),
			category: cat.name,
			// Shops like prices that end in .99.
			price: int64(math.Max(1, math.Round(cat.price*math.Exp(rnd.NormFloat64()*0.5))))*event.PriceScale - event.PriceScale/100,
		}
		if len(cat.brands) > 0 {
			p.brand = cat.brands[rnd.IntN(len(cat.brands))]
		}
		c.products[i] = p
		if i != c.onSale {
			total += popularity(i, products)
			c.upTo = append(c.upTo, total)
		}
	}
	for i := range c.upTo {
		views := viewsIn10Minutes * popularity(i, products) / total
		sells := 0.02 + 0.02*rnd.Float64()
		if views > danger {
			sells = max(sells, min(0.25, soldThen/views))
		}
		c.products[i].toCart = sells / ((1 - dropFromCart) * checksOut)
	}
	return c
}

// popularity of the ith of n products is heavy-tailed, but none outshines all
// others: with n in proportion to the visitors, the first is looked at about
// as often in a shop of any size.
func popularity(i, n int) float64 { return math.Pow(float64(i)+float64(n)/30, -0.7) }
