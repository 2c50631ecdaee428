package mapping

import (
	"strings"

	"clickstream/internal/event"
)

// typesOf are the words by which files name event types, folded.
var typesOf = func() map[string]string {
	all := make(map[string]string)
	for eventType, names := range map[string]string{
		event.TypeView: "view viewed views pv click clicks clicked clk detail details detailview productview productviewed viewedproduct viewproduct " +
			"viewitem itemview itemviewed viewcontent productdetail productdetailview productpage pdp pdpview see seen look browse " +
			"ansicht angesehen aufruf produktansicht produktaufruf ansehen klick vista visto ver vue vu consultation visualizzazione bekeken",
		event.TypeAddToCart: "addtocart cart carts addcart cartadd addedtocart productadded addedproduct itemadded addtobasket basket addtobag bag atc add " +
			"warenkorb indenwarenkorb inwarenkorb hinzugefugt hinzugefuegt carrito anadiralcarrito panier ajoutpanier ajoutaupanier carrello winkelwagen",
		event.TypeRemoveFromCart: "removefromcart removecart cartremove cartremoved productremoved removedproduct remove removed deletefromcart removefrombasket " +
			"basketremove entfernt ausdemwarenkorb quitardelcarrito retirerdupanier",
		event.TypePurchase: "purchase purchased purchases buy bought buys order orders ordered ordercompleted completedorder orderplaced placeorder placedorder sale sold " +
			"transaction conversion paid payment checkoutcompleted checkoutcomplete productpurchased kauf gekauft kaufen kaufe bestellung bestellt verkauf compra comprado comprar venta " +
			"achat achete commande acquisto gekocht aankoop",
		event.TypeRefund: "refund refunded refunds return returned returns orderrefunded refundedorder retoure retourniert ruckgabe rueckgabe erstattung erstattet storno devolucion " +
			"reembolso remboursement retour reso",
		event.TypeWishlist: "wishlist addtowishlist addedtowishlist fav favs favorite favourite favorites favourites collect like liked " +
			"merkzettel wunschliste wunschzettel favorit favoritos deseos favori favoris",
		event.TypeCheckout: "checkout checkoutstarted startcheckout begincheckout initiatecheckout checkoutbegin kasse",
		event.TypeSearch:   "search searched searches productssearched productsearch viewsearchresults query suche gesucht busqueda buscar recherche ricerca zoeken",
		event.TypePage:     pageNames,
	} {
		for name := range strings.FieldsSeq(names) {
			all[name] = eventType
		}
	}
	return all
}()

// Events of these names are views of products where they have one.
const pageNames = "page pageview pageviewed viewpage pagevisit visit visited screen screenview seite seitenaufruf seitenansicht besuch pagina visita visite"

// typeOf returns the event type that a file's word stands for.
func typeOf(word string) (eventType string, known bool) {
	eventType, known = typesOf[fold(word)]
	return eventType, known
}

// snakeCase is a word as an event type, or empty where that is impossible.
func snakeCase(word string) string {
	s := strings.Join(words(word), "_")
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return ""
		}
	}
	if len(s) > 64 {
		return ""
	}
	return s
}
