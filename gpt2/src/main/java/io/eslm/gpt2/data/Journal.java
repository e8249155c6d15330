// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a preparation writes until it is finished, so that one that was killed can go on from its last commit. The folder
 * {@value #FOLDER} holds the files of the parts, and a file that says how far they are; only one program at a time may use it.
 */
final class Journal implements AutoCloseable {
    static final String FOLDER = ".unfinished";
    private static final String FILE = "journal.json";

    /**
     * How far the reading is.
     *
     * @param file number of the file to go on with
     * @param batch number of the batch in it
     * @param document how many documents of it are done
     */
    record Place(int file, long batch, long document) {
        static final Place START = new Place(0, 0, 0);
    }

    private final Path folder;
    private final String identity;
    private final FileChannel lock;
    private Place place = Place.START;
    private final Tally tally = new Tally();
    private List<Json> parts = List.of();
    private long seenCount;
    private boolean done;

    private Journal(Path folder, String identity, FileChannel lock) {
        this.folder = folder;
        this.identity = identity;
        this.lock = lock;
    }

    /**
     * Opens the journal of {@code out}, with what an earlier preparation of the same text left.
     *
     * @param identity equal for equal preparations
     * @throws UserError if another program prepares this folder now
     */
    static Journal open(Path out, String identity) throws IOException {
        Path folder = Files.createDirectories(out.resolve(FOLDER));
        FileChannel lock =
                FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (!isFree(lock)) {
            lock.close();
            throw new UserError("another program is preparing " + out + " now. Wait for it, or name another folder.");
        }
        Journal journal = new Journal(folder, identity, lock);
        if (Files.exists(folder.resolve(FILE))) {
            try {
                journal.read(Json.read(folder.resolve(FILE)));
            } catch (UserError _) {
                journal.parts = List.of();
                journal.place = Place.START;
            }
        }
        return journal;
    }

    private static boolean isFree(FileChannel lock) throws IOException {
        try {
            FileLock got = lock.tryLock();
            return got != null;
        } catch (OverlappingFileLockException _) {
            return false;
        }
    }

    private void read(Json json) {
        if (!json.required("identity", String.class).equals(identity)) {
            return;
        }
        Place saved = new Place((int) json.count("file"), json.count("batch"), json.count("document"));
        List<Json> saying = new ArrayList<>();
        Json all = json.child("parts");
        for (String number : all.object().keySet()) {
            saying.add(all.child(number));
        }
        long count = json.count("seen");
        tally.read(json.child("left_out"));
        seenCount = count;
        parts = saying;
        place = saved;
    }

    Path folder() {
        return folder;
    }

    /** Where to go on. */
    Place place() {
        return place;
    }

    /** What was left out before {@link #place}, and counts on. */
    Tally tally() {
        return tally;
    }

    /** The states of the parts at {@link #place}. */
    List<Json> parts() {
        return parts;
    }

    /** How many documents were seen before {@link #place}. */
    long seenCount() {
        return seenCount;
    }

    /** Says that everything before {@code now} is in the parts, which are in these states. */
    void commit(Place now, List<JsonObject> states, long seen) {
        JsonObject json = new JsonObject();
        json.addProperty("identity", identity);
        json.addProperty("file", now.file());
        json.addProperty("batch", now.batch());
        json.addProperty("document", now.document());
        json.addProperty("seen", seen);
        json.add("left_out", tally.toJson());
        JsonObject all = new JsonObject();
        for (int i = 0; i < states.size(); i++) {
            all.add(String.valueOf(i), states.get(i));
        }
        json.add("parts", all);
        AtomicFiles.writeString(folder.resolve(FILE), Json.pretty(json));
    }

    /** Removes everything. */
    void discard() throws IOException {
        done = true;
        close();
    }

    @Override
    public void close() throws IOException {
        if (lock.isOpen()) {
            if (done) {
                FileTrees.delete(folder);
            }
            lock.close();
        }
    }
}
