// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What a task leaves of a part in the folder that all share: files whose names begin with the number of the part. */
final class PartFiles {
    private static final int ENDS = 1;
    private static final int COMPARED = 2;
    private static final int CHOSEN = 4;
    private static final int DROPPED = 8;

    private PartFiles() {
    }

    /** The tokens of all documents, domain by domain. */
    static String tokens(int part) {
        return part + ".tokens";
    }

    /** All documents, in their order. */
    static String documents(int part) {
        return part + ".documents";
    }

    /** Numbers of the documents whose text was there before. */
    static String dropped(int part) {
        return part + ".dropped";
    }

    /** All documents, with what is decided about them. */
    static String decided(int part) {
        return part + ".decided";
    }

    /** A {@link Summary}; it comes last. */
    static String summary(int part) {
        return part + ".summary";
    }

    /**
     * A document, or what a part has of it.
     *
     * @param slice number of its slice in the part
     * @param domain number of its domain in the part
     * @param tokens with the end-of-text that ends it
     * @param hash of its text, or 0
     * @param ends whether it ends in this part
     * @param compared whether it is left out if its text was there before
     * @param chosen whether its hash chooses it to be held out; known once it is decided
     * @param dropped whether its text was there before; likewise
     */
    record Document(int slice, int domain, long tokens, long hash, boolean ends, boolean compared, boolean chosen,
            boolean dropped) {
        void write(DataOutputStream out) throws IOException {
            out.writeInt(slice);
            out.writeShort(domain);
            out.writeLong(tokens);
            out.writeLong(hash);
            out.writeByte((ends ? ENDS : 0) + (compared ? COMPARED : 0) + (chosen ? CHOSEN : 0)
                    + (dropped ? DROPPED : 0));
        }

        Document decided(boolean choose, boolean drop) {
            return new Document(slice, domain, tokens, hash, ends, compared, choose, drop);
        }
    }

    /** Receives documents. */
    @FunctionalInterface
    interface Visitor {
        void visit(Document document) throws IOException;
    }

    /** Reads a list of documents to its end. */
    static void read(HadoopFolder folder, String name, Visitor visitor) throws IOException {
        try (DataInputStream in = folder.read(name)) {
            while (true) {
                int slice;
                try {
                    slice = in.readInt();
                } catch (EOFException _) {
                    return;
                }
                int domain = in.readShort();
                long tokens = in.readLong();
                long hash = in.readLong();
                int flags = in.readByte();
                visitor.visit(new Document(slice, domain, tokens, hash, (flags & ENDS) != 0, (flags & COMPARED) != 0,
                        (flags & CHOSEN) != 0, (flags & DROPPED) != 0));
            }
        }
    }

    /**
     * What is in a part.
     *
     * @param domains their names, in the order in which they appear
     * @param tokens of each domain
     * @param documents that end in each slice
     * @param compared how many documents are left out if their texts were there before
     * @param otherLength how many are left out for their length
     */
    record Summary(List<String> domains, long[] tokens, long[] documents, long compared, long otherLength)
            implements Serializable {
        void write(DataOutputStream out) throws IOException {
            out.writeInt(domains.size());
            for (int d = 0; d < domains.size(); d++) {
                byte[] name = domains.get(d).getBytes(StandardCharsets.UTF_8);
                out.writeInt(name.length);
                out.write(name);
                out.writeLong(tokens[d]);
            }
            out.writeInt(documents.length);
            for (long n : documents) {
                out.writeLong(n);
            }
            out.writeLong(compared);
            out.writeLong(otherLength);
        }

        static Summary read(HadoopFolder folder, int part) throws IOException {
            try (DataInputStream in = folder.read(summary(part))) {
                List<String> domains = new ArrayList<>();
                long[] tokens = new long[in.readInt()];
                for (int d = 0; d < tokens.length; d++) {
                    domains.add(new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8));
                    tokens[d] = in.readLong();
                }
                long[] documents = new long[in.readInt()];
                for (int s = 0; s < documents.length; s++) {
                    documents[s] = in.readLong();
                }
                return new Summary(domains, tokens, documents, in.readLong(), in.readLong());
            }
        }
    }
}
