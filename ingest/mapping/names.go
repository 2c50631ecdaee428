package mapping

import (
	"slices"
	"strings"
	"unicode"
)

// namesOf are the names under which files have an event's fields, folded (see
// fold), the likelier ones first.
var namesOf = map[string][]string{
	"event_id":   list("eventid messageid eventuuid uuid insertid hitid"),
	"event_type": list("eventtype action eventname event behavior behaviour behaviortype behaviourtype actiontype activity activitytype interaction interactiontype type ereignis ereignistyp aktion evento tipoevento accion evenement kind operation name"),
	"timestamp":  list("eventtime eventtimestamp timestamp ts time datetime eventdate eventts eventdatetime occurredat happenedat clienttime clienttimestamp servertime servertimestamp receivedat createdat created loggedat visittime unixtime unixtimestamp epoch epochms timems date day when zeitstempel zeitpunkt zeit datum datumzeit uhrzeit fecha fechahora hora heure horodatage dateheure data dataora tijd tijdstip"),
	"user_id":    list("userid uid user visitorid visitor customerid customer customerno customernumber clientid client memberid member shopperid shopper buyerid buyer accountid account distinctid anonymousid cookieid cookie deviceid fullvisitorid userpseudoid kunde kundenid kundeid kundennr kundennummer kdnr nutzer nutzerid benutzer benutzerid besucher besucherid usuario usuarioid idusuario cliente clienteid idcliente utilisateur idutilisateur idclient utente klant klantid username"),
	"session_id": list("sessionid session sid usersession visitid visit sessionkey gasessionid sitzung sitzungsid sitzungid sesion sesionid idsesion idsession seance sessione sessie besuch"),
	"product_id": list("productid product sku productsku itemid item itemsku prodid pid articleid article articlenumber articleno goodsid asin ean gtin variantid contentid aid productcode productnumber itemcode itemnumber stockcode stockid artikel artikelid artikelnr artikelnummer artnr artikelcode produkt produktid produktnr produktnummer producto productoid idproducto articulo idarticulo referencia produit produitid idproduit refproduit reference prodotto idprodotto productname itemname productnaam artikelname produktname"),
	"product_category": list("productcategory category categoryname categorycode cat itemcategory categorypath productcategoryname producttype department kategorie produktkategorie warengruppe kategoriename categoria categoriaproducto nombrecategoria categorie " +
		"categorieproduit rubrique categoryid kategorieid"),
	"brand":       list("brand brandname manufacturer maker itembrand productbrand vendor marke hersteller marca fabricante marque fabricant marchio merk brandid"),
	"price":       list("price unitprice itemprice productprice sellingprice listprice salesprice preis einzelpreis stuckpreis stueckpreis verkaufspreis precio preciounitario prix prixunitaire prezzo prijs cost amount betrag importe montant value"),
	"quantity":    list("quantity qty itemquantity productquantity count units pieces numitems menge anzahl stuck stueck stuckzahl stueckzahl cantidad unidades quantite quantita aantal"),
	"currency":    list("currency currencycode curr wahrung waehrung moneda divisa devise valuta"),
	"order_id":    list("orderid order ordernumber orderno transactionid transaction purchaseid invoiceno invoiceid invoicenumber receiptid bestellung bestellid bestellnr bestellnummer auftrag auftragsnr auftragsnummer pedido idpedido numeropedido commande idcommande numerocommande ordine"),
	"device_type": list("devicetype device devicecategory geraet gerat geraetetyp geratetyp dispositivo appareil platform"),
	"page_url":    list("pageurl url pagelocation pageuri link page currenturl seite seitenurl adresse"),
	"source":      list("source shop shopid shopname store storeid storename filiale laden tienda boutique magasin negozio winkel"),
}

func list(names string) []string { return strings.Fields(names) }

var plainLetters = strings.NewReplacer("ä", "a", "ö", "o", "ü", "u", "ß", "ss", "é", "e", "è", "e", "ê", "e", "á", "a", "à", "a", "â", "a",
	"í", "i", "ó", "o", "ò", "o", "ô", "o", "ú", "u", "ñ", "n", "ç", "c", "ã", "a", "õ", "o")

// words splits a name at separators and where capitals begin, without accents
// and in lower case.
func words(name string) []string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r, lower = ' ', false
		case unicode.IsUpper(r):
			if lower {
				b.WriteByte(' ')
			}
			lower = false
		default:
			lower = true
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(plainLetters.Replace(b.String()))
}

// fold is a name without case, accents and separators.
func fold(name string) string { return strings.Join(words(name), "") }

// How well a column's name fits a field.
const (
	noName    = 0
	endName   = 1000 // it ends in the field's name
	innerName = 2000 // the last part of its path is the field's name
	wholeName = 3000
)

// idWords end the names of columns that hold ids.
var idWords = list("uuid guid key hash nr no number num code pk ident")

// fit says how well a column's name fits a field: one of the levels and
// less than 1000 for a likelier name.
func fit(name, field string) int {
	best := noName
	score := func(level int, folded string) {
		for i, n := range namesOf[field] {
			if n == folded {
				best = max(best, level+900-i)
			}
		}
	}
	all := words(name)
	if len(all) == 0 {
		return noName
	}
	score(wholeName, strings.Join(all, ""))
	if last := len(all) - 1; last > 0 && slices.Contains(idWords, all[last]) {
		score(wholeName-100, strings.Join(all[:last], "")+"id")
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 && i < len(name)-1 {
		score(innerName, fold(name[i:]))
	}
	for i := 1; i < len(all); i++ {
		score(endName, strings.Join(all[i:], ""))
	}
	return best
}
