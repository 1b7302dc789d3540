"""Tells the language of a short text: English, German, French or Spanish.

    python examples/text_classification.py [--output out] [--seed 0] [--epochs 30]

A TextVectorization layer cuts texts into groups of one to three letters, an Embedding gives each
a vector, and the mean of the vectors decides. The model is trained on pieces of the 48 sentences
below and tested on pieces of 16 others. It is saved with its vocabulary into languages.keras in
the output folder and restored from there: strings go in, probabilities come out.
"""

import argparse
from pathlib import Path

import numpy as np

import nnseq as keras
from nnseq import layers

# Of each language the first twelve sentences are for training, the last four for the test.
SENTENCES = {
    "English": """
The old fisherman looked at the sky and decided to stay at home that day.
Nobody knows who built the first wall, but everyone knows who paid for it.
She opened the window, listened to the rain, and went back to her book.
There are more books in this house than people in the whole street.
When the train finally arrived, half of the passengers had already gone home.
We would like to know whether the shop is still open on Saturday evening.
My brother has been learning to play the piano for almost three years.
The children were sitting under the tree and sharing what was left of the bread.
If you want to see the mountains, you should come here before the winter.
It was the kind of question that nobody at the table wanted to answer.
Their neighbours have bought a small boat which they keep behind the garage.
He could not remember the name of the village where they had spent the night.
The teacher asked them to write down everything they had seen in the forest.
You should have told me earlier that the meeting had been moved to Thursday.
Some of these letters were written more than a hundred years ago.
What he likes most about this town is the silence of its narrow streets.
""",
    "German": """
Der alte Fischer sah in den Himmel und beschloss, an diesem Tag zu Hause zu bleiben.
Niemand weiß, wer die erste Mauer gebaut hat, aber jeder weiß, wer sie bezahlte.
Sie öffnete das Fenster, hörte dem Regen zu und kehrte zu ihrem Buch zurück.
In diesem Haus gibt es mehr Bücher als Menschen in der ganzen Straße.
Als der Zug endlich kam, war die Hälfte der Reisenden schon nach Hause gegangen.
Wir möchten gerne wissen, ob der Laden am Samstagabend noch geöffnet ist.
Mein Bruder lernt schon seit fast drei Jahren, Klavier zu spielen.
Die Kinder saßen unter dem Baum und teilten, was vom Brot noch übrig war.
Wenn du die Berge sehen willst, solltest du vor dem Winter hierher kommen.
Es war eine jener Fragen, die niemand am Tisch beantworten wollte.
Ihre Nachbarn haben ein kleines Boot gekauft, das hinter der Garage steht.
Er konnte sich nicht an den Namen des Dorfes erinnern, in dem sie übernachtet hatten.
Die Lehrerin bat sie, alles aufzuschreiben, was sie im Wald gesehen hatten.
Du hättest mir früher sagen sollen, dass die Sitzung auf Donnerstag verlegt wurde.
Einige dieser Briefe wurden vor mehr als hundert Jahren geschrieben.
Am meisten mag er an dieser Stadt die Stille ihrer engen Gassen.
""",
    "French": """
Le vieux pêcheur regarda le ciel et décida de rester chez lui ce jour-là.
Personne ne sait qui a construit le premier mur, mais tout le monde sait qui l'a payé.
Elle ouvrit la fenêtre, écouta la pluie et retourna à son livre.
Il y a plus de livres dans cette maison que de gens dans toute la rue.
Quand le train arriva enfin, la moitié des voyageurs étaient déjà rentrés chez eux.
Nous aimerions savoir si le magasin est encore ouvert le samedi soir.
Mon frère apprend à jouer du piano depuis presque trois ans.
Les enfants étaient assis sous l'arbre et partageaient ce qui restait du pain.
Si tu veux voir les montagnes, tu devrais venir ici avant l'hiver.
C'était le genre de question à laquelle personne à table ne voulait répondre.
Leurs voisins ont acheté un petit bateau qu'ils gardent derrière le garage.
Il ne se souvenait plus du nom du village où ils avaient passé la nuit.
La maîtresse leur demanda d'écrire tout ce qu'ils avaient vu dans la forêt.
Tu aurais dû me dire plus tôt que la réunion avait été déplacée à jeudi.
Certaines de ces lettres ont été écrites il y a plus de cent ans.
Ce qu'il aime le plus dans cette ville, c'est le silence de ses rues étroites.
""",
    "Spanish": """
El viejo pescador miró al cielo y decidió quedarse en casa aquel día.
Nadie sabe quién construyó el primer muro, pero todos saben quién lo pagó.
Ella abrió la ventana, escuchó la lluvia y volvió a su libro.
Hay más libros en esta casa que personas en toda la calle.
Cuando por fin llegó el tren, la mitad de los viajeros ya se había ido a casa.
Nos gustaría saber si la tienda sigue abierta los sábados por la tarde.
Mi hermano lleva casi tres años aprendiendo a tocar el piano.
Los niños estaban sentados bajo el árbol y compartían lo que quedaba del pan.
Si quieres ver las montañas, deberías venir aquí antes del invierno.
Era una de esas preguntas que nadie en la mesa quería contestar.
Sus vecinos han comprado un pequeño barco que guardan detrás del garaje.
No podía recordar el nombre del pueblo donde habían pasado la noche.
La maestra les pidió que escribieran todo lo que habían visto en el bosque.
Tendrías que haberme dicho antes que la reunión se había cambiado al jueves.
Algunas de estas cartas fueron escritas hace más de cien años.
Lo que más le gusta de esta ciudad es el silencio de sus calles estrechas.
""",
}
LANGUAGES = list(SENTENCES)
PIECE = 25  # letters


def load_data(seed, pieces=8):
    """Returns x_train, x_test, arrays of pieces of sentences, y_train, y_test, the languages."""
    random = np.random.default_rng(seed)
    parts = [], []
    for number, text in enumerate(SENTENCES.values()):
        lines = text.strip().split("\n")
        for part, sentences in zip(parts, (lines[:12], lines[12:]), strict=True):
            for sentence in sentences:
                for begin in random.integers(0, len(sentence) - PIECE, pieces):
                    part.append((sentence[begin : begin + PIECE], number))
    (x_train, y_train), (x_test, y_test) = (zip(*part, strict=True) for part in parts)
    return np.array(x_train), np.array(x_test), np.array(y_train), np.array(y_test)


def build_model(texts):
    """Returns a compiled classifier of strings (N,) -> (N, 4) probabilities."""
    vectorize = layers.TextVectorization(
        max_tokens=2000, split="character", ngrams=3, output_sequence_length=3 * PIECE
    )
    vectorize.adapt(texts)
    model = keras.Sequential(
        [
            keras.Input((), dtype="string"),
            vectorize,
            layers.Embedding(vectorize.vocabulary_size(), 16, mask_zero=True),
            layers.GlobalAveragePooling1D(),
            layers.Dense(len(LANGUAGES), activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=0.01),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def train(seed=0, epochs=30, verbose=1):
    """Returns (model, accuracy on the pieces of other sentences)."""
    keras.utils.set_random_seed(seed)
    x_train, x_test, y_train, y_test = load_data(seed)
    model = build_model(x_train)
    if verbose:
        model.summary()
    model.fit(x_train, y_train, batch_size=32, epochs=epochs, verbose=2 * verbose)
    return model, model.evaluate(x_test, y_test, verbose=0)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("out"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()

    model, accuracy = train(arguments.seed, arguments.epochs)
    print(f"{accuracy:.1%} of the pieces of {PIECE} letters of other sentences right")
    arguments.output.mkdir(parents=True, exist_ok=True)
    file = arguments.output / "languages.keras"
    model.save(file)
    restored = keras.saving.load_model(file)
    texts = ["Where is the station?", "Wo ist der Bahnhof?", "Où est la gare ?",
             "¿Dónde está la estación?"]  # fmt: skip
    for text, probabilities in zip(texts, restored.predict(texts, verbose=0), strict=True):
        print(f"{text:26} {LANGUAGES[probabilities.argmax()]} ({probabilities.max():.0%})")


if __name__ == "__main__":
    main()
