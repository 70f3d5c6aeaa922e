// A stand-in for an application as it was before mega: it reads, reckons in its own memory and writes both places back,
// one request after the other, each in a transaction of its own, and retries nothing because it knows of no lost update.
//
//   node legacy.js alone                              one worker, step by step; prints what it sees after each
//   node legacy.js storm WORKERS ROUNDS CUSTOMERS SEED    all at once; prints what it wrote last
//
// Connects as node's pg does, by the PG* variables. What it prints is JSON.
'use strict';

const { Client } = require('pg');

// Random numbers that a seed repeats.
function randomOf(seed) {
    let state = seed >>> 0;
    return (below) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 4294967296) * below);
    };
}

// The newest write of the application's own keys, by customer: what has to be there in the end.
const last = {};

function remember(row) {
    const keys = Object.fromEntries(Object.entries(row.written)
        .filter(([key]) => !['hard_blocks', 'tag_weights', 'updated_at', 'source', 'positions'].includes(key)));
    if (!last[row.mg_pass_id] || last[row.mg_pass_id].at < row.at) {
        last[row.mg_pass_id] = { at: row.at, keys };
    }
}

class Shop {
    constructor() {
        this.client = new Client();
    }

    async rows(text, values) {
        return (await this.client.query(text, values)).rows;
    }

    async customer(passId) {
        const [row] = await this.rows('SELECT * FROM mega_customers WHERE mg_pass_id = $1', [passId]);
        return row;
    }

    async balance(passId) {
        const [row] = await this.rows('SELECT mg_credits FROM mega_customers WHERE mg_pass_id = $1', [passId]);
        return row.mg_credits;
    }

    async creditRow(id, passId, delta, reason, status, reference) {
        await this.rows(
            'INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_source, mg_ref_type, ' +
            'mg_ref_id, mg_status, mg_meta) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
            [`credit_transaction:${id}`, 'credit_transaction', passId, delta, reason, 'shop',
                reference ? reason : null, reference || null, status, {}]);
    }

    async writeBalance(passId, credits, expiresAt) {
        await this.rows('UPDATE mega_customers SET mg_credits = $2, mg_expires_at = $3 WHERE mg_pass_id = $1',
            [passId, credits, expiresAt || null]);
    }

    // A sign-up: the customer comes with a balance, then the row that explains it.
    async signUp(passId, bonus) {
        const preferences = { hard_blocks: [], tag_weights: {}, theme: 'light' };
        await this.rows('INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_mma_preferences) VALUES ($1, $2, $3)',
            [passId, bonus, preferences]);
        await this.creditRow(`signup-${passId}`, passId, bonus, 'signup', 'succeeded', passId);
    }

    // A movement in six requests: read, insert 'pending', read again, write its own arithmetic, mark it with notes.
    async move(passId, id, delta) {
        const before = await this.balance(passId);
        await this.creditRow(id, passId, delta, 'job', 'pending');
        const read = await this.balance(passId);
        await this.writeBalance(passId, before + delta);
        await this.rows('UPDATE mega_generations SET mg_status = $2, mg_meta = $3 WHERE mg_id = $1',
            [`credit_transaction:${id}`, 'succeeded', { before, read, after: before + delta }]);
    }

    // Expiry: the balance is zeroed, then the row is written for what had been read.
    async expire(passId, id) {
        const rest = await this.balance(passId);
        if (rest > 0) {
            await this.writeBalance(passId, 0);
            await this.creditRow(id, passId, -rest, 'expired', 'succeeded');
        }
    }

    async event(passId, id, tag) {
        await this.rows(
            'INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_meta) VALUES ($1, $2, $3, $4)',
            [`mma_event:${id}`, 'mma_event', passId, { event_type: 'like', payload: { tags: [tag] } }]);
    }

    static merged(preferences, tag, key, id) {
        const weights = { ...(preferences.tag_weights || {}), theirs: 1 };
        weights[tag] = (weights[tag] || 0) + 1;
        return { ...preferences, tag_weights: weights, updated_at: new Date().toISOString(), source: 'shop', [key]: id };
    }

    // A like: the event, then the snapshot that was read is merged here and written back whole, with a key of its own.
    async like(passId, id, tag, key) {
        const { mg_mma_preferences: read } = await this.customer(passId);
        await this.event(passId, id, tag);
        const written = Shop.merged(read, tag, key, id);
        const [row] = await this.rows(
            'UPDATE mega_customers SET mg_mma_preferences = $2, mg_mma_preferences_updated_at = now() WHERE mg_pass_id = $1 ' +
            'RETURNING mg_pass_id, (extract(epoch FROM mg_updated_at) * 1000000)::float8 AS at', [passId, written]);
        remember({ ...row, written });
    }

    // The same by an upsert of the whole row as it was read, in the words in which PostgREST sends one for supabase-js.
    async upsertLike(passId, id, tag, key) {
        const read = await this.customer(passId);
        await this.event(passId, id, tag);
        const written = Shop.merged(read.mg_mma_preferences, tag, key, id);
        const body = { ...read, mg_credits: read.mg_credits + 1, mg_mma_preferences: written };
        const columns = Object.keys(body).sort().map((name) => `"${name}"`);
        const [row] = await this.rows(
            'WITH pgrst_source AS (WITH pgrst_payload AS (SELECT $1::json AS json_data), pgrst_body AS (' +
            "SELECT CASE WHEN json_typeof(json_data) = 'array' THEN json_data ELSE json_build_array(json_data) END AS val " +
            `FROM pgrst_payload) INSERT INTO "public"."mega_customers"(${columns.join(', ')}) ` +
            `SELECT ${columns.join(', ')} FROM json_populate_recordset(null::"public"."mega_customers", ` +
            '(SELECT val FROM pgrst_body)) _ ON CONFLICT("mg_pass_id") DO UPDATE SET ' +
            `${columns.map((name) => `${name} = EXCLUDED.${name}`).join(', ')} RETURNING "public"."mega_customers".*) ` +
            'SELECT mg_pass_id, (extract(epoch FROM mg_updated_at) * 1000000)::float8 AS at FROM pgrst_source', [JSON.stringify(body)]);
        remember({ ...row, written });
    }
}

async function connected() {
    const shop = new Shop();
    await shop.client.connect();
    return shop;
}

async function alone() {
    const shop = await connected();
    const pass = 'pass:test:alone';
    const seen = [];
    await shop.signUp(pass, 20);
    seen.push(await shop.balance(pass));
    await shop.move(pass, 'alone-1', -7);
    seen.push(await shop.balance(pass));
    await shop.expire(pass, 'alone-2');
    seen.push(await shop.balance(pass));
    await shop.like(pass, 'alone-3', 'style.minimal', 'seen');
    await shop.upsertLike(pass, 'alone-4', 'style.minimal', 'upserted');
    seen.push(await shop.balance(pass));
    await shop.writeBalance(pass, 1000000);
    seen.push(await shop.balance(pass));
    await shop.client.end();
    return { seen };
}

async function work(worker, rounds, customers, random) {
    const shop = await connected();
    const own = `pass:test:own-${worker}`;
    await shop.signUp(own, 50);
    for (let round = 1; round <= rounds; ++round) {
        const pass = `pass:test:${1 + random(customers)}`;
        const id = `w${worker}-${round}`;
        await shop.move(pass, `${id}-grant`, 5 + random(20));
        await shop.move(pass, `${id}-spend`, -1 - random(10));
        if (round % 4 === 0) {
            await shop.expire(pass, `${id}-expired`);
        }
        await shop.like(pass, `${id}-like`, `tag.${random(3)}`, `seen_by_${worker}`);
        await shop.upsertLike(pass, `${id}-upsert`, `tag.${random(3)}`, `upserted_by_${worker}`);
        await shop.like(own, `${id}-own`, 'tag.own', 'last');
    }
    await shop.client.end();
}

async function storm(workers, rounds, customers, seed) {
    const running = [];
    for (let worker = 1; worker <= workers; ++worker) {
        running.push(work(worker, rounds, customers, randomOf(seed + worker)));
    }
    await Promise.all(running);
    return { last };
}

const [mode, ...numbers] = process.argv.slice(2);
const modes = { alone, storm };
modes[mode](...numbers.map(Number)).then(
    (result) => process.stdout.write(`${JSON.stringify(result)}\n`),
    (error) => {
        process.stderr.write(`${error.stack}\n${error.code || ''} ${error.detail || ''} ${error.where || ''}\n`);
        process.exit(1);
    });
