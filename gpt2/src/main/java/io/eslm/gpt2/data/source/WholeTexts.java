// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Joins the pieces of a text to whole documents, which end after each end-of-text. */
public final class WholeTexts implements Consumer<Batch> {
    private final String place;
    private final String endOfText;
    private final Consumer<Batch> sink;
    private final StringBuilder open = new StringBuilder();

    /**
     * @param place what the file is called in messages
     * @param endOfText the text that ends a document; null if none does
     */
    public WholeTexts(String place, String endOfText, Consumer<Batch> sink) {
        this.place = place;
        this.endOfText = endOfText;
        this.sink = sink;
    }

    @Override
    public void accept(Batch batch) {
        List<Piece> whole = new ArrayList<>();
        for (Piece piece : batch.pieces()) {
            int from = Math.max(0, open.length() - (endOfText == null ? 0 : endOfText.length()));
            open.append(piece.text());
            int begin = 0;
            for (int end = next(from); end >= 0; end = next(begin)) {
                whole.add(new Piece(open.substring(begin, end), true, null));
                begin = end;
            }
            open.delete(0, begin);
            if (open.length() > Batch.MAX_RECORD) {
                throw new UserError(place + ": one of its documents is longer than " + Batch.MAX_WORDS
                        + ", or choose its documents neither by length nor by what was there before.");
            }
            if (piece.ends()) {
                whole.add(new Piece(open.toString(), true, null));
                open.setLength(0);
            }
        }
        sink.accept(Batch.of(whole, batch.position()));
    }

    /** The end of the first end-of-text after {@code from}; −1 if there is none. */
    private int next(int from) {
        int at = endOfText == null ? -1 : open.indexOf(endOfText, from);
        return at < 0 ? -1 : at + endOfText.length();
    }

    /** Cuts a piece after each end-of-text. */
    public static List<Piece> cut(Piece piece, String endOfText) {
        List<Piece> pieces = new ArrayList<>();
        int from = 0;
        for (int at = endOfText == null ? -1 : piece.text().indexOf(endOfText); at >= 0; at =
                piece.text().indexOf(endOfText, from)) {
            int end = at + endOfText.length();
            pieces.add(new Piece(piece.text().substring(from, end), true, null));
            from = end;
        }
        pieces.add(new Piece(piece.text().substring(from), piece.ends(), piece.domain()));
        return pieces;
    }
}
