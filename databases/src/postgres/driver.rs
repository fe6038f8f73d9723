//! Runs the statements of a transaction.

use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;

use tokio_postgres::types::ToSql;

use super::connection::{PostgresConnection, PreparedStatement};
use super::{sql, values};
use crate::{DatabaseError, Driver, Row, SqlStatement, Value};

pub(super) struct PostgresDriver(pub(super) Rc<PostgresConnection>);

impl PostgresDriver {
    /// Runs a prepared statement. If its plan no longer fits the tables, it is prepared again.
    fn run<T>(
        &self,
        sql: &str,
        params: &[Value],
        work: &impl AsyncFn(
            &tokio_postgres::Client,
            &PreparedStatement,
            &[&(dyn ToSql + Sync)],
        ) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, DatabaseError> {
        let params = references(params);
        let run = || {
            let prepared = self.prepare(sql, params.len())?;
            self.0.guarded(async |client| work(client, &prepared, &params).await)
        };
        match run() {
            Err(error) if self.0.forget_stale(sql, &error) => run(),
            done => done,
        }
    }

    fn prepare(&self, sql: &str, given: usize) -> Result<Rc<PreparedStatement>, DatabaseError> {
        let prepared = self.0.prepare(sql)?;
        let expected = prepared.statement.params().len();
        if expected == given { Ok(prepared) } else { Err(DatabaseError::Parameters { expected, given }) }
    }

    /// Sends prepared statements together, each behind its savepoint.
    fn send(
        &self,
        ready: &mut Vec<(Rc<PreparedStatement>, &[Value])>,
        changed: &mut Vec<u64>,
    ) -> Result<(), DatabaseError> {
        if ready.is_empty() {
            return Ok(());
        }
        let counts = self.0.guarded_all(std::mem::take(ready).into_iter().map(|(prepared, params)| {
            async move |client: &tokio_postgres::Client| {
                let count = client.execute(&prepared.statement, &references(params)).await?;
                Ok(if prepared.changes_rows { count } else { 0 })
            }
        }))?;
        changed.extend(counts);
        Ok(())
    }
}

impl Driver for PostgresDriver {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DatabaseError> {
        self.run(sql, params, &async |client, prepared, params| {
            let count = client.execute(&prepared.statement, params).await?;
            // For a `SELECT` the server counts the rows that it returns.
            Ok(if prepared.changes_rows { count } else { 0 })
        })
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        let rows = self.run(sql, params, &async |client, prepared, params| {
            client.query(&prepared.statement, params).await
        })?;
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let columns: Arc<[String]> = first.columns().iter().map(|column| column.name().to_owned()).collect();
        let read = |row: &tokio_postgres::Row| {
            let values =
                (0..columns.len()).map(|index| values::column(row, index)).collect::<Result<_, _>>()?;
            Ok(Row { columns: Arc::clone(&columns), values })
        };
        rows.iter().map(read).collect()
    }

    /// Sends the statements together. One that is new is prepared first, behind those before it.
    fn batch(&mut self, statements: &[SqlStatement]) -> Result<Vec<u64>, DatabaseError> {
        let mut changed = Vec::with_capacity(statements.len());
        let mut ready = Vec::new();
        for SqlStatement { sql, params } in statements {
            if !self.0.has_prepared(sql) {
                self.send(&mut ready, &mut changed)?;
            }
            let prepared = match self.prepare(sql, params.len()) {
                Ok(prepared) => prepared,
                Err(error) => {
                    // Those before it take effect, or one of them fails first.
                    self.send(&mut ready, &mut changed)?;
                    return Err(error);
                }
            };
            ready.push((prepared, params.as_slice()));
        }
        self.send(&mut ready, &mut changed)?;
        Ok(changed)
    }

    fn script(&mut self, sql: &str) -> Result<(), DatabaseError> {
        let statements = sql::scan(sql);
        statements.iter().try_for_each(|statement| self.0.allow(statement))?;
        self.0.guarded_script(statements.len(), async |client| client.batch_execute(sql).await)
    }

    fn native(&self) -> &dyn Any {
        &*self.0
    }
}

fn references(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|param| param as &(dyn ToSql + Sync)).collect()
}
