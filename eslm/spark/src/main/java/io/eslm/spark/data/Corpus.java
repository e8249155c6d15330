// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.CorpusFiles;
import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.data.FileCheck;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.data.SourceFiles;
import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.gpt2.data.source.Formats.Found;
import io.eslm.gpt2.data.source.SourceFile;
import io.eslm.spark.Job;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.net.URI;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.broadcast.Broadcast;

/**
 * The files of a corpus and what they are, which tasks have found out.
 *
 * @param slices each a whole file, in the order of the corpus
 */
record Corpus(CorpusFiles files, List<Slice> slices) {
    private static final int MOST_TASKS = 10_000;

    /** A file to look at. */
    private record Look(int source, URI uri, String place, String name, boolean inFolder) implements Serializable {
    }

    /** What a file is. */
    private record Looked(Format format, boolean isCompressed, long documents, long bytes, long modified, String defect,
            Cuts cuts) implements Serializable {
    }

    /**
     * Finds the files, and lets tasks look at each.
     *
     * @param recipe of the sources of {@code spec}
     * @throws UserError if a file that is named holds no documents
     */
    static Corpus open(DataSpec spec, boolean followLinks, Recipe recipe, Job job, Progress progress) {
        List<HadoopListing> listings = spec.sources().stream().map(s -> list(s, followLinks, recipe.conf())).toList();
        List<Look> looks = new ArrayList<>();
        for (int s = 0; s < listings.size(); s++) {
            HadoopListing listing = listings.get(s);
            for (int i = 0; i < listing.uris().size(); i++) {
                SourceFile file = listing.listing().files().get(i);
                looks.add(new Look(s, listing.uris().get(i), file.place(), file.name(), listing.listing().isFolder()));
            }
        }
        List<Looked> looked = job.run("look at " + looks.size() + " files", context -> {
            Broadcast<Recipe> shared = context.broadcast(recipe);
            return context.parallelize(looks, Math.clamp(looks.size(), 1, MOST_TASKS))
                    .map(look -> Tasks.run("cannot read " + look.place, () -> look(look, shared.value()))).collect();
        });
        return of(spec, listings, looks, looked, progress);
    }

    private static HadoopListing list(DataSpec.Source source, boolean followLinks, Configuration conf) {
        try {
            return HadoopListing.of(source, followLinks, conf);
        } catch (IOException e) {
            throw new UserError("cannot list " + source.location() + ": " + FileErrors.reason(e), e);
        }
    }

    private static Looked look(Look look, Recipe recipe) throws IOException {
        DataSpec.Source source = recipe.parsed().get(look.source);
        try (HadoopFile bytes = HadoopFile.footer(look.uri, recipe.conf())) {
            SourceFile file = new SourceFile(look.place, look.name, bytes);
            Cuts[] cuts = {Cuts.NONE};
            FileCheck.Reader reader = found -> read(found, source, cuts);
            FileCheck check = look.inFolder ? FileCheck.inFolder(source, file, reader)
                    : FileCheck.named(source, file, reader);
            Found found = check.found();
            return found == null
                    ? new Looked(null, false, -1, bytes.size(), bytes.modified(), check.defect(), Cuts.NONE)
                    : new Looked(found.format(), found.isCompressed(), found.documents(), bytes.size(),
                            bytes.modified(), check.defect(), cuts[0]);
        }
    }

    /** Reads a text to see whether it is text; of what can be read in parts, finds the places. */
    private static FileCheck.Content read(Found found, DataSpec.Source source, Cuts... cuts) throws IOException {
        if (found.format() == Format.JSONL && !found.isCompressed()) {
            cuts[0] = Cuts.LINES;
        } else
            if (found.format() == Format.TEXT && !found.isCompressed() && !source.whole()
                    && found.file().bytes().size() > 0) {
                        try (InputStream in = found.file().bytes().open()) {
                            cuts[0] = Cuts.of(in);
                            return new FileCheck.Content(found.file().bytes().size(), "", null);
                        } catch (IOException _) {
                            cuts[0] = Cuts.NONE; // the next reading says what is wrong
                        }
                    }
        return FileCheck.read(found);
    }

    private static Corpus of(DataSpec spec, List<HadoopListing> listings, List<Look> looks, List<Looked> looked,
            Progress progress) {
        List<SourceFiles> sources = new ArrayList<>();
        Map<SourceFile, Integer> numbers = new IdentityHashMap<>(); // a file may be named twice
        int next = 0;
        for (int s = 0; s < listings.size(); s++) {
            List<FileCheck> checks = new ArrayList<>();
            for (SourceFile file : listings.get(s).listing().files()) {
                Looked l = looked.get(next);
                numbers.put(file, next++);
                checks.add(new FileCheck(file,
                        l.format == null ? null : new Found(file, l.format, l.isCompressed, null, l.documents),
                        new FileCheck.Content(l.bytes, "", l.defect), l.defect));
            }
            sources.add(SourceFiles.of(spec.sources().get(s), listings.get(s).listing(), checks, progress));
        }
        CorpusFiles files = CorpusFiles.of(sources);
        files.report(progress);
        List<Slice> slices = new ArrayList<>();
        for (CorpusFiles.Item item : files.items()) {
            int n = numbers.get(item.entry().found().file());
            Look look = looks.get(n);
            Looked l = looked.get(n);
            slices.add(Slice.whole(slices.size(), look.source, look.uri, look.place, look.name, l.format,
                    item.entry().domain(), l.cuts, l.bytes, l.modified));
        }
        return new Corpus(files, slices);
    }

    /** Bytes of all files. */
    long bytes() {
        return slices.stream().mapToLong(Slice::size).sum();
    }
}
