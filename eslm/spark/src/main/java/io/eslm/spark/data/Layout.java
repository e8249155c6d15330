// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.HeldOut;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** Where the tokens of the parts go: domain by domain, in each the parts in their order. */
final class Layout {
    /** Which documents of a run are taken. */
    enum Which {
        ALL, CHOSEN, REST
    }

    /**
     * Tokens of a domain in a part.
     *
     * @param domain its number in the part
     * @param section where its tokens begin in the file of the part
     * @param skip so many tokens of the documents that are taken
     * @param tokens so many follow
     */
    record Run(int part, int domain, long section, Which which, long skip, long tokens) implements Serializable {
    }

    /** A domain in a part. */
    record Section(int part, int domain, long begin, long tokens, long chosen, long documents) {
    }

    private final List<Run> train = new ArrayList<>();
    private final List<Run> val = new ArrayList<>();
    private long trainTokens;
    private long valTokens;

    List<Run> train() {
        return train;
    }

    List<Run> val() {
        return val;
    }

    long trainTokens() {
        return trainTokens;
    }

    long valTokens() {
        return valTokens;
    }

    /**
     * Adds the next domain.
     *
     * @param share to hold out
     * @param folder of the parts' files
     */
    void add(List<Section> sections, double share, HadoopFolder folder) throws IOException {
        long tokens = sections.stream().mapToLong(Section::tokens).sum();
        long chosen = sections.stream().mapToLong(Section::chosen).sum();
        long documents = sections.stream().mapToLong(Section::documents).sum();
        HeldOut side = new HeldOut(share, tokens);
        boolean byHash = !side.isNothing() && side.isByHash(documents, chosen);
        long cut = byHash || side.isNothing() ? tokens : border(sections, side, folder);
        long at = 0;
        for (Section s : sections) {
            if (byHash) {
                train(s, Which.REST, 0, s.tokens - s.chosen);
                val(s, Which.CHOSEN, 0, s.chosen);
            } else {
                long before = Math.clamp(cut - at, 0, s.tokens);
                train(s, Which.ALL, 0, before);
                val(s, Which.ALL, before, s.tokens - before);
            }
            at += s.tokens;
        }
    }

    private void train(Section s, Which which, long skip, long n) {
        trainTokens += add(train, s, which, skip, n);
    }

    private void val(Section s, Which which, long skip, long n) {
        valTokens += add(val, s, which, skip, n);
    }

    private static long add(List<Run> runs, Section s, Which which, long skip, long n) {
        if (n > 0) {
            runs.add(new Run(s.part, s.domain, s.begin, which, skip, n));
        }
        return n;
    }

    /** The border between documents nearest to the tail; the tail itself if none is near. */
    private static long border(List<Section> sections, HeldOut side, HadoopFolder folder) throws IOException {
        long[] begin = new long[sections.size() + 1];
        int middle = 0;
        for (int i = 0; i < sections.size(); i++) {
            begin[i + 1] = begin[i] + sections.get(i).tokens;
            middle = begin[i] <= side.tail() ? i : middle;
        }
        List<Long> borders = new ArrayList<>(borders(sections.get(middle), begin[middle], folder));
        for (int i = middle - 1; i >= 0 && borders.stream().noneMatch(b -> b <= side.tail()); i--) {
            borders.addAll(0, borders(sections.get(i), begin[i], folder));
        }
        for (int i = middle + 1; i < sections.size() && borders.stream().noneMatch(b -> b >= side.tail()); i++) {
            borders.addAll(borders(sections.get(i), begin[i], folder));
        }
        long best = -1;
        for (long border : borders) {
            best = side.nearer(best, border);
        }
        return best < 0 ? side.tail() : best;
    }

    private static List<Long> borders(Section s, long begin, HadoopFolder folder) throws IOException {
        List<Long> borders = new ArrayList<>();
        long[] at = {begin};
        PartFiles.read(folder, PartFiles.decided(s.part), document -> {
            if (document.domain() == s.domain && !document.dropped()) {
                at[0] += document.tokens();
                if (document.ends() && document.tokens() > 0) {
                    borders.add(at[0]);
                }
            }
        });
        return borders;
    }

    /** The runs of tokens {@code [begin, end)} of a list of runs. */
    static List<Run> slice(List<Run> runs, long begin, long end) {
        List<Run> some = new ArrayList<>();
        long at = 0;
        for (Run run : runs) {
            long from = Math.max(begin, at);
            long to = Math.min(end, at + run.tokens);
            if (from < to) {
                some.add(new Run(run.part, run.domain, run.section, run.which, run.skip + from - at, to - from));
            }
            at += run.tokens;
        }
        return some;
    }
}
