// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.select.token.Risk;
import io.eslm.select.token.TokenScores;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Iterator;

/** The scores of a part in the folder that all share. */
final class ScoreFiles {
    private ScoreFiles() {
    }

    static String scores(int part) {
        return part + ".scores";
    }

    /** A {@link Counts}; it comes last. */
    static String counts(int part) {
        return part + ".counts";
    }

    /**
     * What has been scored.
     *
     * @param bySlice how many documents each slice has
     * @param tokens that have scores, in {@code documents} documents; others have less than two tokens
     */
    record Counts(long[] bySlice, long tokens, long documents) implements Serializable {
        void write(DataOutputStream out) throws IOException {
            out.writeInt(bySlice.length);
            for (long n : bySlice) {
                out.writeLong(n);
            }
            out.writeLong(tokens);
            out.writeLong(documents);
        }

        static Counts read(HadoopFolder folder, int part) throws IOException {
            try (DataInputStream in = folder.read(counts(part))) {
                long[] bySlice = new long[in.readInt()];
                for (int i = 0; i < bySlice.length; i++) {
                    bySlice[i] = in.readLong();
                }
                return new Counts(bySlice, in.readLong(), in.readLong());
            }
        }

        /** How many scores of that unit there are. */
        long of(Unit unit) {
            return unit == Unit.TOKEN ? tokens : documents;
        }
    }

    /** What a row of the result is about. */
    enum Unit {
        TOKEN, DOCUMENT;

        @Override
        public String toString() {
            return this == TOKEN ? "token" : "document";
        }
    }

    /**
     * A document.
     *
     * @param slice number of its slice in the part
     * @param number of it in the slice
     */
    record Scored(int slice, long number, TokenScores scores) {
        /** The risks of its tokens, or of itself: their mean. */
        float[] risks(Unit unit, Risk risk) {
            float[] all = risk.of(scores.loss(), scores.entropy());
            return unit == Unit.TOKEN ? all : new float[] {(float) mean(all)};
        }

        void write(DataOutputStream out) throws IOException {
            int n = scores.size();
            out.writeInt(slice);
            out.writeLong(number);
            out.writeInt(n);
            ByteBuffer bytes = ByteBuffer.allocate(3 * Integer.BYTES * n);
            for (int i = 0; i < n; i++) {
                bytes.putInt(scores.ids()[i]).putFloat(scores.loss()[i]).putFloat(scores.entropy()[i]);
            }
            out.write(bytes.array());
        }
    }

    static double mean(float[] values) {
        double sum = 0;
        for (float v : values) {
            sum += v;
        }
        return sum / values.length;
    }

    /** The documents of a part, one after the other. */
    static final class Reader implements Iterator<Scored>, AutoCloseable {
        private final DataInputStream in;
        private Scored next;

        Reader(HadoopFolder folder, int part) throws IOException {
            in = folder.read(scores(part));
            next = read();
        }

        @Override
        public boolean hasNext() {
            return next != null;
        }

        @Override
        public Scored next() {
            try {
                Scored now = next;
                next = read();
                return now;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private Scored read() throws IOException {
            int slice;
            try {
                slice = in.readInt();
            } catch (EOFException _) {
                in.close();
                return null;
            }
            long number = in.readLong();
            int n = in.readInt();
            ByteBuffer bytes = ByteBuffer.wrap(in.readNBytes(3 * Integer.BYTES * n));
            int[] ids = new int[n];
            float[] loss = new float[n];
            float[] entropy = new float[n];
            for (int i = 0; i < n; i++) {
                ids[i] = bytes.getInt();
                loss[i] = bytes.getFloat();
                entropy[i] = bytes.getFloat();
            }
            return new Scored(slice, number, new TokenScores(ids, loss, entropy));
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
