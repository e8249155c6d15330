// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.data.source.Batch;
import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.gpt2.data.source.Piece;
import io.eslm.gpt2.data.source.WholeTexts;
import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Finds in the batches of a file the documents that its source asks for. */
public final class DocumentCutter {
    private final DataSpec.Source source;
    private final boolean isText;
    private final String endOfText;

    /**
     * A document or a piece of one.
     *
     * @param ends whether the document ends with it
     * @param domain that its field says; null if no field does
     * @param isRecord whether it is a record, which is known by what it says
     * @param hash of the text, or 0 where nobody asks
     */
    public record Doc(String text, boolean ends, String domain, boolean isRecord, long hash) {
        Doc withoutText() {
            return new Doc(null, ends, domain, isRecord, hash);
        }
    }

    /** The documents of a batch, and how many are left out for their length. */
    public record Cut(List<Doc> docs, int otherLength) {
    }

    /**
     * @param format of the file
     * @param endOfText the text that ends a document; null if none does
     */
    public DocumentCutter(DataSpec.Source source, Format format, String endOfText) {
        this.source = source;
        this.isText = format == Format.TEXT;
        this.endOfText = endOfText;
    }

    /** Takes the batches of a file; documents of a text that are needed whole reach {@code sink} so. */
    public Consumer<Batch> joining(String place, Consumer<Batch> sink) {
        return isText && source.whole() ? new WholeTexts(place, endOfText, sink) : sink;
    }

    /** The documents of a batch. */
    public Cut cut(Batch batch) {
        boolean deduplicate = source.settings().get(DataSpec.DEDUPLICATE);
        List<Doc> docs = new ArrayList<>();
        int otherLength = 0;
        for (Piece piece : batch.pieces()) {
            if (isText && !source.whole()) {
                WholeTexts.cut(piece, endOfText)
                        .forEach(part -> docs.add(new Doc(part.text(), part.ends(), null, false, 0)));
                continue;
            }
            String document = isText ? bare(piece.text()) : piece.text();
            if (source.whole() && !document.isEmpty() && !source.keeps(document)) {
                otherLength++;
                continue;
            }
            docs.add(new Doc(piece.text(), true, domain(piece.domain()), !isText,
                    isText && !deduplicate ? 0 : Seen.hash(document)));
        }
        return new Cut(docs, otherLength);
    }

    /** A document of a text without the end-of-text that ends it. */
    private String bare(String document) {
        return endOfText != null && document.endsWith(endOfText)
                ? document.substring(0, document.length() - endOfText.length()) : document;
    }

    private String domain(String field) {
        return field == null || source.name().isEmpty() ? field : source.name() + '/' + field;
    }

    /** What a user is told whose field has more values than there may be domains. */
    public static UserError tooManyDomains(String place, DataSpec.Source source, String last) {
        return new UserError(place + ": the field " + source.columns().domain() + " has more than "
                + SourceFiles.MAX_DOMAINS + " values, too many for domains. The last is " + last
                + ". Name a field of kinds, or none.");
    }
}
