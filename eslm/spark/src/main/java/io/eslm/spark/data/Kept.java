// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.CorpusFiles;
import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.data.HeldOut;
import io.eslm.gpt2.data.source.Formats.Format;
import it.unimi.dsi.fastutil.ints.IntArrayList;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;

/**
 * What stays of a part when documents that were there before are left out. Of arrays, each entry is of a domain of the part.
 *
 * @param order of the domains that stay: numbers in the part, as they appear
 * @param slice that has the first document
 * @param tokens of the documents, {@code documents} of which have some
 * @param chosen tokens of documents that their hash chooses to be held out
 * @param empty records without tokens
 * @param twice documents that are left out
 */
record Kept(int[] order, int[] slice, long[] documents, long[] tokens, long[] chosen, long empty, long twice)
        implements Serializable {
    /**
     * A part to decide about.
     *
     * @param before of each slice, how many documents of its file come before it
     * @param domains how many the part has
     */
    record Order(Part part, long[] before, int domains) implements Serializable {
    }

    /** Chooses among the documents of a part, and writes what is decided about each. */
    static Kept of(Recipe recipe, Order order) throws IOException {
        return new Chooser(recipe, order).run();
    }

    private static final class Chooser {
        private final Recipe recipe;
        private final List<DataSpec.Source> sources;
        private final Part part;
        private final long[] number;
        private final IntArrayList order = new IntArrayList();
        private final int[] slice;
        private final long[] documents;
        private final long[] tokens;
        private final long[] chosen;
        private int at;
        private long empty;
        private long twice;

        Chooser(Recipe recipe, Order order) {
            this.recipe = recipe;
            this.sources = recipe.parsed();
            this.part = order.part;
            this.number = order.before.clone();
            slice = new int[order.domains];
            documents = new long[order.domains];
            tokens = new long[order.domains];
            chosen = new long[order.domains];
        }

        Kept run() throws IOException {
            HadoopFolder folder = recipe.folder();
            int[] dropped = Duplicates.of(folder, part.number());
            folder.write(PartFiles.decided(part.number()),
                    out -> PartFiles.read(folder, PartFiles.documents(part.number()), document -> {
                        if (twice < dropped.length && dropped[(int) twice] == at) {
                            twice++;
                            document.decided(false, true).write(out);
                        } else {
                            keep(document, out);
                        }
                        at++;
                    }));
            return new Kept(order.toIntArray(), slice, documents, tokens, chosen, empty, twice);
        }

        private void keep(PartFiles.Document document, DataOutputStream out) throws IOException {
            Slice from = part.slices().get(document.slice());
            boolean isRecord = from.format() != Format.TEXT;
            int d = document.domain();
            if (!order.contains(d)) {
                order.add(d);
                slice[d] = document.slice();
            }
            String known = isRecord ? HeldOut.known(document.hash())
                    : HeldOut.known(from.name(), number[document.slice()]);
            boolean isChosen = HeldOut.number(known) < CorpusFiles.heldOut(sources.get(from.source()));
            tokens[d] += document.tokens();
            chosen[d] += isChosen ? document.tokens() : 0;
            if (document.ends()) {
                number[document.slice()]++;
                documents[d] += document.tokens() > 0 ? 1 : 0;
                empty += isRecord && document.tokens() == 0 ? 1 : 0;
            }
            document.decided(isChosen, false).write(out);
        }
    }
}
