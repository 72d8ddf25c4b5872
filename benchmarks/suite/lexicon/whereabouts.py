"""Relations of places, dishes and famous people: written as those in `associations`."""

from __future__ import annotations

WHEREABOUTS = """
city-country
: a city; a large city
= the country of the city | the country where the city lies | the nation that the city belongs to
= the country one visits to see the city
> name the country of the city | say in which country the city is | tell to which country it belongs
. Milan=Italy Naples=Italy Venice=Italy Florence=Italy Turin=Italy Munich=Germany Hamburg=Germany
. Frankfurt=Germany Cologne=Germany Stuttgart=Germany Barcelona=Spain Seville=Spain Valencia=Spain
. Marseille=France Lyon=France Nice=France Bordeaux=France Toulouse=France Osaka=Japan Kyoto=Japan
. Hiroshima=Japan Nagasaki=Japan Shanghai=China Shenzhen=China Guangzhou=China Wuhan=China
. Mumbai=India Kolkata=India Chennai=India Bangalore=India Toronto=Canada Vancouver=Canada
. Montreal=Canada Calgary=Canada Sydney=Australia Melbourne=Australia Brisbane=Australia
. Perth=Australia Istanbul=Turkey Izmir=Turkey Antalya=Turkey Chicago=United_States
. Boston=United_States Seattle=United_States Houston=United_States Miami=United_States
. Manchester=United_Kingdom Liverpool=United_Kingdom Birmingham=United_Kingdom Leeds=United_Kingdom
. Rio_de_Janeiro=Brazil Sao_Paulo=Brazil Salvador=Brazil Krakow=Poland Gdansk=Poland
. Rotterdam=Netherlands Utrecht=Netherlands Zurich=Switzerland Geneva=Switzerland
. Johannesburg=South_Africa Durban=South_Africa Karachi=Pakistan Lahore=Pakistan Casablanca=Morocco
. Marrakesh=Morocco Alexandria=Egypt Luxor=Egypt Dubai=United_Arab_Emirates Cancun=Mexico
. Tijuana=Mexico Guadalajara=Mexico Mecca=Saudi_Arabia Medina=Saudi_Arabia

landmark-country
: a landmark; a famous sight
= the country of the landmark | the country where the sight stands | the nation one visits to see it
= the country whose tourists' guide shows the sight
> name the country of the landmark | say in which country the sight is
> tell where in the world it is
. Eiffel_Tower=France Louvre=France Versailles=France Big_Ben=England Stonehenge=England
. Tower_Bridge=England Buckingham_Palace=England Colosseum=Italy Leaning_Tower_of_Pisa=Italy
. Pompeii=Italy Trevi_Fountain=Italy Brandenburg_Gate=Germany Neuschwanstein=Germany
. Cologne_Cathedral=Germany Alhambra=Spain Sagrada_Familia=Spain Acropolis=Greece Parthenon=Greece
. Kremlin=Russia Red_Square=Russia Hermitage=Russia Hagia_Sophia=Turkey Blue_Mosque=Turkey
. Taj_Mahal=India Red_Fort=India Great_Wall=China Forbidden_City=China Terracotta_Army=China
. Mount_Fuji=Japan Angkor_Wat=Cambodia Sphinx=Egypt Pyramids_of_Giza=Egypt Abu_Simbel=Egypt
. Petra=Jordan Machu_Picchu=Peru Nazca_Lines=Peru Chichen_Itza=Mexico Christ_the_Redeemer=Brazil
. Statue_of_Liberty=America Golden_Gate_Bridge=America Grand_Canyon=America White_House=America
. Opera_House_of_Sydney=Australia Uluru=Australia Great_Barrier_Reef=Australia

dish-country
: a dish; something on a menu
= the country where the dish comes from | the home country of the food | the land that invented it
= the country whose cooks are famous for it
> name the country that the dish comes from | say which country is the home of this food
> tell whose national cooking it belongs to
. pizza=Italy spaghetti=Italy lasagna=Italy risotto=Italy tiramisu=Italy ravioli=Italy gelato=Italy
. sushi=Japan ramen=Japan tempura=Japan miso_soup=Japan sake=Japan taco=Mexico burrito=Mexico
. guacamole=Mexico enchilada=Mexico tequila=Mexico croissant=France baguette=France crepe=France
. ratatouille=France quiche=France champagne=France paella=Spain gazpacho=Spain tapas=Spain
. sangria=Spain sauerkraut=Germany bratwurst=Germany pretzel=Germany goulash=Hungary kimchi=Korea
. bibimbap=Korea borscht=Ukraine feta=Greece tzatziki=Greece moussaka=Greece souvlaki=Greece
. haggis=Scotland fish_and_chips=England Yorkshire_pudding=England dim_sum=China Peking_duck=China
. chow_mein=China naan=India tandoori_chicken=India biryani=India samosa=India couscous=Morocco
. baklava=Turkey kebab=Turkey pad_thai=Thailand pho=Vietnam feijoada=Brazil vodka=Russia

state-capital
: an American state; a state
= the capital city of the American state | the state's capital | the city that governs the state
= the city where the governor of the state sits
> name the capital of the American state | say which city is the capital of the state
> tell from which city the state is governed
. Alabama=Montgomery Alaska=Juneau Arizona=Phoenix Arkansas=Little_Rock California=Sacramento
. Colorado=Denver Connecticut=Hartford Delaware=Dover Florida=Tallahassee Georgia=Atlanta
. Hawaii=Honolulu Idaho=Boise Illinois=Springfield Indiana=Indianapolis Iowa=Des_Moines
. Kansas=Topeka Kentucky=Frankfort Louisiana=Baton_Rouge Maine=Augusta Maryland=Annapolis
. Massachusetts=Boston Michigan=Lansing Minnesota=Saint_Paul Mississippi=Jackson
. Missouri=Jefferson_City Montana=Helena Nebraska=Lincoln Nevada=Carson_City New_Hampshire=Concord
. New_Jersey=Trenton New_Mexico=Santa_Fe New_York=Albany North_Carolina=Raleigh
. North_Dakota=Bismarck Ohio=Columbus Oklahoma=Oklahoma_City Oregon=Salem Pennsylvania=Harrisburg
. Rhode_Island=Providence South_Carolina=Columbia South_Dakota=Pierre Tennessee=Nashville
. Texas=Austin Utah=Salt_Lake_City Vermont=Montpelier Virginia=Richmond Washington=Olympia
. West_Virginia=Charleston Wisconsin=Madison Wyoming=Cheyenne

field-of-fame
: the surname of a famous person; a famous name
= the person's field of fame: music, painting, science or literature | what the person is known for
= music, painting, science or literature, by the name | the field that made the name famous
> say if the name belongs to music, painting, science or literature | name the person's field
> tell for what the name is famous, such as painting
. Mozart=music Beethoven=music Bach=music Chopin=music Vivaldi=music Handel=music Haydn=music
. Brahms=music Schubert=music Verdi=music Wagner=music Liszt=music Tchaikovsky=music Mahler=music
. Picasso=painting Monet=painting Rembrandt=painting Dali=painting Michelangelo=painting
. Vermeer=painting Matisse=painting Renoir=painting Goya=painting Klimt=painting Cezanne=painting
. Degas=painting Botticelli=painting Gauguin=painting Einstein=science Newton=science
. Darwin=science Galileo=science Curie=science Faraday=science Copernicus=science Kepler=science
. Pasteur=science Mendel=science Bohr=science Heisenberg=science Archimedes=science Planck=science
. Shakespeare=literature Dickens=literature Tolstoy=literature Hemingway=literature
. Goethe=literature Kafka=literature Orwell=literature Dostoevsky=literature Cervantes=literature
. Twain=literature Austen=literature Homer=literature Dante=literature Flaubert=literature
"""
