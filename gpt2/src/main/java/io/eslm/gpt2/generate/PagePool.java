// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;

/**
 * Which pages are free, and which hold the beginnings of prompts: a tree whose nodes are pages full of tokens. Sequences share the
 * nodes; one that nobody uses stays until its page is needed, the least recently used first. A node is never given up before the
 * nodes behind it, since who uses those uses it, too.
 */
final class PagePool {
    private final int[] free;
    private int freeCount;
    /** Nodes that nobody uses, in the order in which they are given up. */
    private final LinkedHashSet<Node> idle = new LinkedHashSet<>();
    private final Node root = new Node(null, null, -1);

    /** A page of a prompt, behind those of its parent. */
    static final class Node {
        final Node parent;
        final int page;
        private final Tokens tokens;
        private final Map<Tokens, Node> children = new HashMap<>(0);
        private int users;
        /** The tokens that came next, as far as they were asked for, position by position; null if none was. */
        TokenLogprobs[] next;

        private Node(Node parent, Tokens tokens, int page) {
            this.parent = parent;
            this.tokens = tokens;
            this.page = page;
        }
    }

    private record Tokens(int[] ids) {
        @Override
        public boolean equals(Object o) {
            return o instanceof Tokens other && Arrays.equals(ids, other.ids);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(ids);
        }
    }

    PagePool(int pages) {
        free = new int[pages];
        Arrays.setAll(free, i -> pages - 1 - i);
        freeCount = pages;
    }

    /** All pages. */
    int total() {
        return free.length;
    }

    /** Pages that nobody uses, with those that hold a beginning. */
    int unused() {
        return freeCount + idle.size();
    }

    /** Pages that hold a beginning which nobody uses. */
    int cached() {
        return idle.size();
    }

    /** The beginning of every prompt. */
    Node root() {
        return root;
    }

    /** The page behind {@code parent} with the tokens ids[from], …, ids[to − 1]; null if there is none. */
    Node find(Node parent, int[] ids, int from, int to) {
        return parent.children.isEmpty() ? null : parent.children.get(new Tokens(Arrays.copyOfRange(ids, from, to)));
    }

    /** Makes {@code page}, which was {@link #take taken}, a node with one user. */
    Node publish(Node parent, int[] ids, int from, int to, int page) {
        Node node = new Node(parent, new Tokens(Arrays.copyOfRange(ids, from, to)), page);
        node.users = 1;
        parent.children.put(node.tokens, node);
        return node;
    }

    /** One more uses {@code node}. */
    void use(Node node) {
        if (node.users++ == 0) {
            idle.remove(node);
        }
    }

    /** One fewer uses {@code node}; of several, leave the last page first. */
    void leave(Node node) {
        if (--node.users == 0) {
            idle.add(node);
        }
    }

    /** A page; there must be an {@link #unused} one. */
    int take() {
        if (freeCount > 0) {
            return free[--freeCount];
        }
        Iterator<Node> oldest = idle.iterator();
        Node node = oldest.next();
        oldest.remove();
        node.parent.children.remove(node.tokens);
        return node.page;
    }

    /** Gives back a page that was taken and not published. */
    void give(int page) {
        free[freeCount++] = page;
    }
}
